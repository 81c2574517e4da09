"""Monitoring in the cluster: whether Argo CD has it as git says, and waiting for it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from gitops.cluster import Cluster, Reading, UnreachableError
from gitops.diagnosis import application_errors
from lookout import contract
from lookout.errors import LookoutError

_INTERVAL_S: Final = 0.5
_LOOK_AGAIN_EVERY_S: Final = 5.0
"""How often Argo CD is asked to compare anew what is not in sync."""


class MonitoringStatus(BaseModel):
    """The monitoring Application."""

    model_config = ConfigDict(frozen=True)

    sync: str
    health: str
    errors: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether it runs as git says; health covers both Deployments and that the metrics API answers."""
        return (self.sync, self.health) == ("Synced", "Healthy")


def from_reading(reading: Reading) -> MonitoringStatus | None:
    """Its state in a reading of the cluster; None where there is no such Application."""
    for application in reading.applications:
        if application["metadata"]["name"] == contract.MONITORING:
            status = application.get("status", {})
            return MonitoringStatus(
                sync=status.get("sync", {}).get("status", "Unknown"),
                health=status.get("health", {}).get("status", "Unknown"),
                errors=tuple(application_errors(application)),
            )
    return None


def wait_monitoring(
    timeout_s: float,
    progress: Callable[[str], None] = lambda _text: None,
    *,
    kubeconfig: str | Path | None = None,
) -> MonitoringStatus:
    """Wait until monitoring runs as git says. LookoutError with Argo CD's complaints after `timeout_s` seconds."""
    cluster = Cluster(kubeconfig)
    deadline = time.monotonic() + timeout_s
    look_again = time.monotonic() + _LOOK_AGAIN_EVERY_S
    while True:
        found: MonitoringStatus | None = None
        try:
            reading = cluster.read(())
            found = from_reading(reading)
            waiting = f"{found.sync}, {found.health}" if found else "no Application yet"
            if found and found.settled:
                return found
            if time.monotonic() >= look_again:
                look_again = time.monotonic() + _LOOK_AGAIN_EVERY_S
                cluster.look_again(reading)
        except UnreachableError as error:  # an API server that restarts is waited for as well
            waiting = str(error)
        progress(waiting)
        if time.monotonic() >= deadline:
            lines = "".join(f"\n    {line}" for line in (found.errors if found else ()))
            raise LookoutError(
                f"monitoring did not settle within {timeout_s:g} s: {waiting}{lines}",
                f"kubectl --namespace {contract.MONITORING_NAMESPACE} get pods,events",
            )
        time.sleep(_INTERVAL_S)
