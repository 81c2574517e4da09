"""Whether this process is starting, ready, draining or failed: what the probes answer."""

from enum import StrEnum


class Phase(StrEnum):
    """Where a process is in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"


class Health:
    """The phase of this process. It only moves forward: a draining process never becomes ready again."""

    def __init__(self) -> None:
        self.phase = Phase.STARTING

    def ready(self) -> None:
        """The model is loaded and warm."""
        if self.phase is Phase.STARTING:
            self.phase = Phase.READY

    def drain(self) -> None:
        """SIGTERM came: no new traffic, please; what is in flight will be finished."""
        if self.phase is not Phase.FAILED:
            self.phase = Phase.DRAINING

    def fail(self) -> None:
        """The model cannot be loaded: only a restart or another release helps."""
        self.phase = Phase.FAILED
