"""Locust's users: one that keeps a schedule whatever the server does, and one that waits for each answer."""

import itertools
import time
from array import array
from contextlib import closing
from typing import Any, ClassVar

import gevent  # type: ignore[import-untyped]  # ships no types
import gevent.event  # type: ignore[import-untyped]  # as above
from locust import User, constant, task
from locust.exception import StopUser

from loadtest.generator.alarm import Alarm
from loadtest.generator.recorder import Recorder
from loadtest.generator.sender import Sender
from loadtest.settings import LoadSettings

_PAUSE_AFTER_ERROR_S = 0.5
"""A refused connection fails in microseconds: without a pause a closed loop would spin on it."""
_DROPPED = "dropped: too many requests in flight"


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
        self.paced = False
        """Whether a user keeps the schedule already."""
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
    """Starts each request at its intended time. One a process is enough: requests have greenlets of their own."""

    wait_time = constant(0)
    session: ClassVar[Session]

    @task
    def keep_schedule(self) -> None:
        """Start everything, then stop."""
        session = self.session
        if session.paced:  # Locust gives a lost worker's user to another worker: its share cannot be made up for
            raise StopUser
        session.paced = True
        session.go.wait()
        send, in_flight, began = session.sender.send, session.sender.in_flight, session.began
        with closing(Alarm()) as alarm:
            for index, intended_s in zip(session.share, session.starts, strict=True):
                intended = began + intended_s
                alarm.wait_until(intended)
                if session.halted.is_set():
                    break
                if len(in_flight) >= session.max_in_flight:
                    session.recorder.add(index, intended_s, None, None, _DROPPED)
                else:
                    in_flight[index] = (intended, None)
                    gevent.spawn(send, index, intended, began)
        session.done.set()
        raise StopUser


class ClosedLoopUser(User):
    """Sends the next photo as soon as the last answer has come."""

    wait_time = constant(0)
    session: ClassVar[Session]

    @task
    def send_next(self) -> None:
        """One request; it is always on time, as its time is now."""
        session = self.session
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
