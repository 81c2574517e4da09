"""Locust's users: one that stands for a schedule that is kept, and one that waits for each answer.

Locust moves users between workers when one joins or is lost, so nothing may depend on which worker has how many: the
schedule is kept by `pacer.py`, and a worker that joined too late for a plan has no session and nothing to do.
"""

import itertools
import time
from array import array
from typing import Any, ClassVar

import gevent  # type: ignore[import-untyped]  # ships no types
import gevent.event  # type: ignore[import-untyped]  # as above
from locust import User, constant, task
from locust.exception import StopUser

from loadtest.generator.recorder import Recorder
from loadtest.generator.sender import Sender
from loadtest.settings import LoadSettings

_PAUSE_AFTER_ERROR_S = 0.5
"""A refused connection fails in microseconds: without a pause a closed loop would spin on it."""


class Session:
    """What the users of one process share."""

    def __init__(
        self, settings: LoadSettings, sender: Sender, recorder: Recorder, worker: int = 0, workers: int = 1
    ) -> None:
        self.settings = settings
        self.sender = sender
        self.recorder = recorder
        self.began = 0.0
        """The schedule's zero, in seconds of the steady clock."""
        self.go = gevent.event.Event()
        """Set when `began` is known."""
        self.halted = gevent.event.Event()
        """Set when no request is to start any more."""
        self.worker = worker
        self.numbers = itertools.count(worker, workers)
        """Of a closed loop's requests: no two workers share one."""
        self.share = range(0)
        """Numbers of the requests of this process."""
        self.starts = array("d")
        """Their intended starts, in seconds since `began`; eight bytes each, as there may be two million."""
        self.max_in_flight = max(settings.max_in_flight // workers, 1)
        self.real_time = False
        """Whether this process has real-time priority."""
        self.done = gevent.event.Event()
        """Set when the schedule is exhausted."""


class OpenLoopUser(User):
    """Is there while the schedule of its process is kept: Locust's page and statistics count users."""

    wait_time = constant(0)
    session: ClassVar[Session | None] = None

    @task
    def stay(self) -> None:
        """Until everything was started."""
        if self.session is not None:
            self.session.done.wait()
        raise StopUser


class ClosedLoopUser(User):
    """Sends the next photo as soon as the last answer has come."""

    wait_time = constant(0)
    session: ClassVar[Session | None] = None

    @task
    def send_next(self) -> None:
        """One request; it is always on time, as its time is now."""
        session = self.session
        if session is None:
            raise StopUser
        session.go.wait()
        if (wait_s := session.began - time.perf_counter()) > 0:
            gevent.sleep(wait_s)
        if session.halted.is_set():
            raise StopUser
        if session.sender.send(next(session.numbers), time.perf_counter(), session.began) is not None:
            gevent.sleep(_PAUSE_AFTER_ERROR_S)


def user_class(settings: LoadSettings) -> type[Any]:
    """The class that makes the load `settings` ask for."""
    return ClosedLoopUser if settings.arrivals.kind == "closed" else OpenLoopUser
