"""The commands as typed: exit codes, what is printed, what reaches the remote."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gitops import source, update
from lookout import contract
from lookout.artifact import Artifact
from lookout.errors import EXIT_FAILURE, EXIT_USAGE
from tests.unit.command import ended
from tests.unit.gitops.conftest import Road, commit_all, run

Make = Callable[[str], Artifact]
_SERVICE = "detector/base/service.yaml"


@pytest.fixture
def built(road: Road, image: Make) -> Road:
    """The road, and image a recorded as the one built last."""
    image("a").save()
    return road


def test_the_road_from_cut_to_production(built: Road, image: Make, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("release", "cut", "--all-environments", "--push") == 0
    image("b").save()
    assert ended("release", "cut", "--push") == 0
    assert ended("release", "promote", "dev", "staging", "--push") == 0
    said = capsys.readouterr()
    assert '+        lookout.dev/bento: "detector:b"' in said.out
    assert "promoted unconditionally" in said.err
    assert run(built.remote, "rev-parse", "main") == built.deploy.head
    assert [built.deploy.version(name) for name in contract.ENVIRONMENTS] == [image("b"), image("b"), image("a")]


def test_without_push_nothing_reaches_the_remote_and_the_push_is_named(
    built: Road, capsys: pytest.CaptureFixture[str]
) -> None:
    before = run(built.remote, "rev-parse", "main")
    assert ended("release", "cut") == 0
    assert run(built.remote, "rev-parse", "main") == before
    assert f"git -C {built.deploy.directory} push" in capsys.readouterr().out.replace("\n", " ")


def test_nothing_to_do_exits_0_and_still_pushes_what_waits(built: Road) -> None:
    assert ended("release", "cut") == 0
    assert ended("release", "cut", "--push") == 0
    assert run(built.remote, "rev-parse", "main") == built.deploy.head


def test_a_named_bento_is_taken(built: Road, image: Make) -> None:
    image("b").save()
    assert ended("release", "cut", "--bento", "detector:a") == 0
    assert built.deploy.version("dev") == image("a")


@pytest.mark.parametrize(
    "words",
    [
        ("cut", "--env", "production"),
        ("cut", "--env", "dev", "--all-environments"),
        ("promote", "dev", "prod"),
        ("promote", "dev"),
        ("rollback", "qa"),
        ("rollback", "dev", "--to", "HEAD", "--steps", "2"),
        ("update", "--on-conflict", "both"),
        ("history", "qa"),
    ],
)
def test_wrong_usage_exits_64_and_commits_nothing(built: Road, words: tuple[str, ...]) -> None:
    before = built.deploy.head
    assert ended("release", *words) == EXIT_USAGE
    assert built.deploy.head == before


@pytest.mark.parametrize(
    "words", [("cut", "--bento", "detector:unknown"), ("rollback", "dev"), ("promote", "dev", "staging")]
)
def test_what_cannot_be_done_exits_1_with_a_remedy(
    built: Road, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    before = built.deploy.head
    assert ended("release", *words) == EXIT_FAILURE
    assert built.deploy.head == before
    assert "→" in capsys.readouterr().err


def test_a_clone_that_lacks_commits_is_refused_before_anything_is_committed(built: Road, someone_else: Path) -> None:
    (someone_else / "theirs.txt").write_text("theirs\n")
    commit_all(someone_else, "theirs")
    run(someone_else, "push", "--quiet")
    before = built.deploy.head
    assert ended("release", "cut") == EXIT_FAILURE
    assert built.deploy.head == before


def test_a_silent_remote_stops_a_push_before_the_commit_but_not_a_commit_alone(built: Road) -> None:
    built.remote.rename(built.remote.with_name("gone.git"))
    before = built.deploy.head
    assert ended("release", "cut", "--push") == EXIT_FAILURE
    assert built.deploy.head == before
    assert ended("release", "cut") == 0
    assert built.deploy.head != before


@pytest.mark.usefixtures("built")
def test_rollback_and_history(image: Make, capsys: pytest.CaptureFixture[str]) -> None:
    ended("release", "cut")
    image("b").save()
    ended("release", "cut")
    assert ended("release", "rollback", "dev") == 0
    capsys.readouterr()
    assert ended("release", "history", "dev", "--json") == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["artifact"]["bento"] for entry in entries] == ["detector:a", "detector:b", "detector:a"]
    assert entries[0]["restored"] == entries[2]["commit"]


def test_update_takes_this_projects_configuration(built: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update.update, "__defaults__", (built.project,))
    file = built.project / source.CONFIG / _SERVICE
    file.write_text(file.read_text().replace("port: 80", "port: 81"))
    commit_all(built.project, "port")
    assert ended("release", "update", "--push") == 0
    assert "port: 81" in run(built.remote, "show", f"main:{_SERVICE}")


@pytest.mark.usefixtures("built")
def test_status_without_a_cluster_shows_git_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    ended("release", "cut")
    capsys.readouterr()
    assert ended("release", "status", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["environments"][0]["release"]["bento"] == "detector:a"
    assert shown["environments"][0]["sync"] is None
    assert shown["notes"][0].startswith("cluster not read")
    assert ended("release", "status") == 0
    table = capsys.readouterr().out
    assert "not pushed  dev: no release → detector:a" in table
    assert "cluster not read" in table


def test_logs_without_a_cluster_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("logs", "dev", "--tail", "5") == EXIT_FAILURE
    assert "no usable kubeconfig" in capsys.readouterr().err.replace("\n", " ")
    assert ended("logs", "qa") == EXIT_USAGE
