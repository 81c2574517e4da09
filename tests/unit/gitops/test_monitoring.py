"""Monitoring's state from a reading, and waiting for it."""

from collections.abc import Sequence
from typing import Any

import pytest

from gitops import monitoring, screen
from gitops.cluster import Reading, UnreachableError
from gitops.status import Overview
from lookout import contract
from lookout.errors import LookoutError


def reading(sync: str = "Synced", health: str = "Healthy", **status: Any) -> Reading:
    found = {"sync": {"status": sync}, "health": {"status": health}, **status}
    return Reading(applications=({"metadata": {"name": contract.MONITORING}, "status": found},))


class _Film:
    """A cluster whose readings are prepared; the last one stays."""

    def __init__(self, *readings: Reading | UnreachableError) -> None:
        self._readings = list(readings)
        self.asked = 0

    def __call__(self, _kubeconfig: object) -> "_Film":
        return self

    def read(self, _environments: Sequence[str]) -> Reading:
        now = self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]
        if isinstance(now, UnreachableError):
            raise now
        return now

    def look_again(self, _reading: Reading) -> None:
        self.asked += 1


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "_INTERVAL_S", 0.0)


def test_a_cluster_without_it_has_no_state() -> None:
    assert monitoring.from_reading(Reading()) is None


def test_waiting_ends_when_it_is_synced_and_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    film = _Film(UnreachableError("restarting"), Reading(), reading("OutOfSync", "Missing"), reading())
    monkeypatch.setattr(monitoring, "Cluster", film)
    assert monitoring.wait_monitoring(60, said.append).settled
    assert said == ["restarting", "no Application yet", "OutOfSync, Missing"]


def test_what_stays_out_of_sync_is_compared_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "_LOOK_AGAIN_EVERY_S", 0.0)
    film = _Film(reading("OutOfSync"), reading("OutOfSync"), reading())
    monkeypatch.setattr(monitoring, "Cluster", film)
    monitoring.wait_monitoring(60)
    assert film.asked == 2


def test_a_wait_in_vain_ends_with_argo_cds_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    conditions = [{"type": "SyncError", "message": "APIService is somebody else's"}]
    monkeypatch.setattr(monitoring, "Cluster", _Film(reading("OutOfSync", "Degraded", conditions=conditions)))
    with pytest.raises(LookoutError, match=r"(?s)OutOfSync, Degraded.*somebody else's"):
        monitoring.wait_monitoring(0)


def test_release_status_speaks_of_it_only_when_something_is_wrong() -> None:
    settled, broken = (
        Overview(environments=(), monitoring=monitoring.from_reading(found))
        for found in (reading(), reading("Unknown"))
    )
    assert list(screen._lines(settled)) == []
    assert list(screen._lines(broken)) == ["waiting     monitoring: Unknown, Healthy"]
