"""Waiting for health: it ends when all is settled, and says why when it never is."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from gitops import release, wait
from gitops.cluster import Object, Reading, UnreachableError
from lookout import contract
from lookout.artifact import Artifact
from lookout.errors import LookoutError
from tests.unit.gitops import build
from tests.unit.gitops.conftest import Road, commit_all

Make = Callable[[str], Artifact]


class _Film:
    """A cluster whose readings are prepared; the last one stays."""

    def __init__(self, *readings: Reading | UnreachableError, warnings: Sequence[Object] = ()) -> None:
        self._readings: Iterator[Reading | UnreachableError] = iter(readings)
        self._warnings = warnings
        self._now = next(self._readings)
        self.asked = 0

    def __call__(self, _kubeconfig: object) -> "_Film":
        return self

    def read(self, _environments: Sequence[str]) -> Reading:
        now, self._now = self._now, next(self._readings, self._now)
        if isinstance(now, UnreachableError):
            raise now
        return now

    def warnings(self, _environment: str) -> Sequence[Object]:
        return self._warnings

    def look_again(self, _reading: Reading) -> None:
        self.asked += 1


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "_INTERVAL_S", 0.0)


@pytest.fixture
def released(road: Road, image: Make) -> Road:
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    road.deploy.push()
    return road


def test_ends_when_every_environment_runs_what_git_says(
    released: Road, image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    film = _Film(UnreachableError("restarting"), Reading(), build.settled(image("b")), build.settled(image("a")))
    monkeypatch.setattr(wait, "Cluster", film)
    states = wait.wait_healthy(contract.ENVIRONMENTS, 60, told.append, repository=released.deploy)
    assert [state.environment for state in states] == list(contract.ENVIRONMENTS)
    assert len(told) == 3
    assert told[0] == "restarting"
    assert "dev: sync is no Application" in told[1]
    assert "still runs" in told[2]


def test_waits_for_the_named_environments_only(released: Road, image: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = build.settled(image("a"))
    monkeypatch.setattr(wait, "Cluster", _Film(reading.model_copy(update={"applications": reading.applications[:1]})))
    (state,) = wait.wait_healthy(["dev"], 60, repository=released.deploy)
    assert state.environment == "dev"


def test_a_timeout_says_why_with_conditions_reasons_and_events(
    released: Road, image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    condition = {"type": "SyncError", "message": "quota"}
    reading = build.settled(image("a")).model_copy(
        update={
            "applications": (build.application("dev", health="Degraded", conditions=[condition]),),
            "pods": {"dev": (build.pod("dev-1", image("a"), ready=False, state=waiting),)},
        }
    )
    event = {
        "involvedObject": {"kind": "Pod", "name": "dev-1"},
        "reason": "BackOff",
        "message": "restarting",
        "count": 4,
    }
    monkeypatch.setattr(wait, "Cluster", _Film(reading, warnings=[event]))
    with pytest.raises(LookoutError, match="did not settle within 0 s") as refused:
        wait.wait_healthy(["dev"], 0, repository=released.deploy)
    lines = [line.strip() for line in refused.value.message.splitlines()[1:]]
    assert lines == [
        "dev: health is Degraded",
        "dev: dev-1 is not ready: CrashLoopBackOff: back-off 10s",
        "dev: SyncError: quota",
        "dev: Pod dev-1: BackOff: restarting (x4)",
    ]
    assert refused.value.remedy == "lookout logs dev; lookout release status"


@pytest.mark.parametrize("text", ["image: latest\n", None], ids=["broken", "removed"])
def test_an_environment_without_a_release_in_git_is_not_waited_for_once_the_others_have_settled(
    released: Road, image: Make, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    file = released.deploy.directory / "detector/envs/staging/version.yaml"
    file.write_text(text) if text else file.unlink()
    commit_all(released.deploy.directory, "by hand")
    released.deploy.push()
    told: list[str] = []
    monkeypatch.setattr(wait, "Cluster", _Film(build.settled(image("b")), build.settled(image("a"))))
    with pytest.raises(LookoutError, match=r"^staging cannot settle:\n *staging: no release in git") as refused:
        wait.wait_healthy(contract.ENVIRONMENTS, 60, told.append, repository=released.deploy)
    assert len(told) == 2
    assert ("is not a version file" in refused.value.message) == bool(text)


def test_a_cluster_that_never_answers_is_named(released: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "Cluster", _Film(UnreachableError("the cluster does not answer")))
    with pytest.raises(LookoutError, match="the cluster does not answer"):
        wait.wait_healthy(["dev"], 0, repository=released.deploy)


def test_asks_argo_cd_to_look_again_while_something_is_not_in_sync(
    released: Road, image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comparison that failed at start-up would otherwise stand until the next poll."""
    monkeypatch.setattr(wait, "_LOOK_AGAIN_EVERY_S", 0.0)
    film = _Film(Reading(), Reading(), build.settled(image("a")))
    monkeypatch.setattr(wait, "Cluster", film)
    wait.wait_healthy(contract.ENVIRONMENTS, 60, repository=released.deploy)
    assert film.asked == 2
