"""Whether this process is starting, ready, draining or failed: what the probes answer."""

from collections.abc import Callable
from enum import StrEnum

from service import problems


class Phase(StrEnum):
    """Where a process is in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"


class Health:
    """The phase of this process. It only moves forward: a draining process never becomes ready again."""

    def __init__(self, loaded: Callable[[], bool]) -> None:
        """`loaded` says whether there is a worker now: a ready process may lose all of them for a moment."""
        self.phase, self._loaded = Phase.STARTING, loaded

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

    def check_alive(self) -> None:
        """Problem 503 when the model can never be served."""
        if self.phase is Phase.FAILED:
            raise problems.not_ready("The model cannot be loaded; the log says why.")

    def check_ready(self) -> None:
        """Problem 503 unless photos may come."""
        if self.phase is not Phase.READY:
            raise problems.not_ready(f"The service is {self.phase}.")
        if not self._loaded():
            raise problems.not_ready("The service starts again.")
