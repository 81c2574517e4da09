"""From fixed replicas to an autoscaler: who is named, who holds the replicas, and when nothing is pushed."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from gitops import committing, handover, release
from gitops.cluster import Cluster, UnreachableError
from gitops.source import CONFIG
from lookout import contract
from lookout.artifact import Artifact
from lookout.errors import EXIT_FAILURE
from tests.unit.command import ended
from tests.unit.gitops.conftest import Road, commit_all, run

Make = Callable[[str], Artifact]
_STAGING = "detector/envs/staging/scaling.yaml"
_PROD = "detector/envs/prod/scaling.yaml"


class Asked:
    """In place of the cluster: remembers who was to be held."""

    held: ClassVar[list[str]] = []
    reachable = True

    def own_replicas(self, environment: str, manager: str) -> int:
        if not self.reachable:
            raise UnreachableError("it does not answer")
        assert manager == handover.MANAGER
        self.held.append(environment)
        return 3


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> type[Asked]:
    monkeypatch.setattr(Asked, "held", [])
    monkeypatch.setattr(committing, "Cluster", Asked)
    return Asked


def autoscale_staging(road: Road, image: Make, replicas: int, released: bool = True) -> None:
    """A commit, not pushed, that takes staging from so many fixed replicas to the autoscaler of prod."""
    file = road.deploy.directory / _STAGING
    image("a").save()
    if released:
        release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    file.write_text(file.read_text().replace("replicas: 1", f"replicas: {replicas} # by hand"))
    commit_all(road.deploy.directory, "fixed")
    road.deploy.push()
    file.write_text((road.project / CONFIG / _PROD).read_text())
    commit_all(road.deploy.directory, "autoscaled")


@pytest.mark.parametrize(("replicas", "released", "found"), [(3, True, {"staging": 3}), (1, True, {}), (3, False, {})])
def test_an_environment_that_would_lose_pods_is_found(
    road: Road, image: Make, replicas: int, released: bool, found: dict[str, int]
) -> None:
    autoscale_staging(road, image, replicas, released)
    assert handover.leaving(road.deploy) == found


def test_a_push_holds_the_replicas_first(
    road: Road, image: Make, asked: type[Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    autoscale_staging(road, image, 3)
    assert ended("release", "cut", "--push") == 0
    assert asked.held == ["staging"]
    assert "staging: its 3 replicas stay until the autoscaler" in capsys.readouterr().out
    assert run(road.remote, "rev-parse", "main") == road.deploy.head


def test_without_the_cluster_nothing_is_pushed(
    road: Road, image: Make, asked: type[Asked], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(asked, "reachable", False)
    autoscale_staging(road, image, 3)
    before = run(road.remote, "rev-parse", "main")
    assert ended("release", "cut", "--push") == EXIT_FAILURE
    assert run(road.remote, "rev-parse", "main") == before
    assert "staging goes from fixed replicas to an autoscaler" in " ".join(capsys.readouterr().err.split())


def test_a_commit_that_is_not_pushed_warns_and_asks_nobody(
    road: Road, image: Make, asked: type[Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    autoscale_staging(road, image, 3)
    assert ended("release", "cut") == 0
    assert asked.held == []
    assert "warning: staging goes from 3 fixed replicas" in capsys.readouterr().err


def test_the_number_that_runs_is_applied_by_a_manager_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Server-side apply with the value that is there: no conflict, no change, one owner more."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def call(_: Cluster, method: str, path: str, **given: Any) -> dict[str, Any]:
        assert path.endswith("/namespaces/lookout-prod/deployments/detector")
        sent.append((method, given))
        return {"spec": {"replicas": 5, "minReadySeconds": 1}}

    monkeypatch.setattr(Cluster, "__init__", lambda _: None)
    monkeypatch.setattr(Cluster, "_call", call)
    assert Cluster().own_replicas("prod", "somebody") == 5
    (_, (method, given)) = sent
    assert (method, given["query"], given["form"]) == (
        "PATCH",
        {"fieldManager": "somebody"},
        "application/apply-patch+yaml",
    )
    assert given["body"]["spec"] == {"replicas": 5}
