"""Which pods `lookout logs` shows, and what it says when there is nothing to show."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitops import logs
from lookout import tools
from lookout.artifact import Artifact
from lookout.errors import LookoutError, UsageError
from tests.unit.gitops import build

Make = Callable[[str], Artifact]


def test_all_pods_by_default_and_one_by_name(image: Make) -> None:
    pods = (build.pod("one", image("a")), build.pod("two", image("a")))
    assert logs.choose(pods, "dev", None, previous=False) == list(pods)
    assert logs.choose(pods, "dev", "two", previous=False) == [pods[1]]


def test_no_pods_is_explained() -> None:
    with pytest.raises(LookoutError, match="dev has no pods"):
        logs.choose((), "dev", None, previous=False)


def test_an_unknown_pod_names_those_there_are(image: Make) -> None:
    pods = (build.pod("one", image("a")), build.pod("two", image("a")))
    with pytest.raises(UsageError, match="no pod three") as refused:
        logs.choose(pods, "dev", "three", previous=False)
    assert refused.value.remedy == "one of one, two"


def test_previous_shows_restarted_pods_only(image: Make) -> None:
    pods = (build.pod("one", image("a")), build.pod("two", image("a"), restartCount=2))
    assert logs.choose(pods, "dev", None, previous=True) == [pods[1]]
    with pytest.raises(LookoutError, match="no previous one"):
        logs.choose(pods[:1], "dev", None, previous=True)


def test_kubectl_gets_a_list_of_kubeconfigs_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    double = tmp_path / "kubectl"
    double.write_text('#!/bin/sh\necho "$KUBECONFIG" "$@"\nexit 3\n')
    double.chmod(0o755)
    monkeypatch.setattr(tools, "tool", lambda _name: double)
    assert logs._print("a:b", "dev", ["one", "two"], follow=False, tail=5, previous=False) == 3
    said = capfd.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["a:b", "a:b"]
    assert "--kubeconfig" not in said[0]
    assert [line.split()[-1] for line in said] == ["one", "two"]
