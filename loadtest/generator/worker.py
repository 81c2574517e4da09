"""The side that sends: it gets a plan from the director, starts at the agreed instant, and reports in batches.

`python -m loadtest.generator.worker HOST PORT` is one such process; a run of a single process has one inside the
director's. Plans and samples travel as Locust's own messages, over the connection between Locust's master and workers.
"""

import gc
import logging
import socket
import sys
import time
from array import array
from typing import Any, Final

import gevent  # type: ignore[import-untyped]  # ships no types
from locust.env import Environment
from locust.log import setup_logging

from loadtest.arrivals import share
from loadtest.generator.clock import ClockWatch
from loadtest.generator.pacer import keep_schedule
from loadtest.generator.ports import allow_connections
from loadtest.generator.priority import go_first
from loadtest.generator.recorder import Recorder
from loadtest.generator.sender import Sender
from loadtest.generator.users import ClosedLoopUser, OpenLoopUser, Session
from loadtest.settings import LoadSettings
from lookout.errors import LookoutError

_LOOK_EVERY_S: Final = 0.2
_GRACE_WHEN_HALTED_S: Final = 1.0
_CLOCKS_APART_S: Final = 1.0
"""More than a message takes: beyond it the machines' clocks disagree, and so would their schedules."""


class Worker:
    """One sending process, driven by the director's messages: plan, go, halt."""

    def __init__(self, environment: Environment, runner: Any) -> None:
        self._environment, self._runner = environment, runner
        self._session: Session | None = None
        for kind, handle in (("plan", self._plan), ("go", self._go), ("halt", self._halt)):
            # Each in a greenlet of its own: a message handled in Locust's own would hold its heartbeat's answer up.
            self._runner.register_message(kind, handle, concurrent=True)
        environment.events.user_error.add_listener(self._fault)  # type: ignore[no-untyped-call]  # as Locust leaves it

    def _send(self, kind: str, record: Any) -> None:
        self._runner.send_message(kind, record)

    def _fault(self, exception: BaseException, **_: Any) -> None:
        # A mistake of this side is no answer of the server: a figure measured around it would be worth nothing.
        self._send("failed", f"{type(exception).__name__}: {exception}")

    def _plan(self, msg: Any, **_: Any) -> None:
        settings = LoadSettings.model_validate(msg.data["settings"])
        index, workers = msg.data["index"], msg.data["workers"]
        apart_s = abs(time.time() - msg.data["now"])
        if apart_s > _CLOCKS_APART_S:
            self._send("failed", f"the clock of {socket.gethostname()} is {apart_s:.1f} s from the director's: use NTP")
            return
        recorder = Recorder(self._send)
        try:
            sender = Sender(settings, recorder, self._environment.events.request.fire)
        except (LookoutError, OSError, ImportError) as error:
            self._send("failed", str(error))
            return
        session = Session(settings, sender, recorder, index, workers)
        if settings.arrivals.kind != "closed":
            times = settings.arrivals.times(settings.duration_s, settings.seed)
            session.real_time = go_first()  # a closed loop keeps no schedule, and may keep a processor to itself
            session.share = share(len(times), index, workers)
            session.starts = array("d", times[index::workers].tobytes())
        OpenLoopUser.session = ClosedLoopUser.session = self._session = session
        gc.collect()
        gc.freeze()  # photos and schedule stay to the end: no collection need look at them again
        self._send("prepared", {"photos": sender.photo_names})

    def _go(self, msg: Any, **_: Any) -> None:
        session = self._session
        if session is None:  # a worker that joined late has no share
            return
        session.began = time.perf_counter() + msg.data["at"] - time.time()
        session.go.set()
        if session.settings.arrivals.kind != "closed":
            gevent.spawn(self._pace, session)
        gevent.spawn(self._follow, session)

    def _pace(self, session: Session) -> None:
        try:
            keep_schedule(session)
        except Exception as mistake:  # noqa: BLE001  # whatever it is, the run has to end and say so
            self._fault(mistake)

    def _halt(self, **_: Any) -> None:
        if self._session is not None:
            self._session.halted.set()

    def _follow(self, session: Session) -> None:
        """Report until the end, wait for what is in flight, say that it is finished."""
        settings, watch = session.settings, ClockWatch()
        gevent.sleep(max(session.began - time.perf_counter(), 0))
        cpu_before, from_s = time.process_time(), time.perf_counter()
        ends = session.began + settings.duration_s
        while not (session.done.is_set() and time.perf_counter() >= ends) and not session.halted.wait(_LOOK_EVERY_S):
            session.recorder.flush()
            self._send("in_flight", {"worker": session.worker, "requests": len(session.sender.in_flight)})
            watch.look()
            if settings.arrivals.kind == "closed" and time.perf_counter() >= ends:
                break
        halted = session.halted.is_set()
        session.halted.set()
        passed_s = time.perf_counter() - from_s
        cpu_cores = (time.process_time() - cpu_before) / passed_s
        patience_s = min(_GRACE_WHEN_HALTED_S, settings.timeout_s) if halted else settings.timeout_s + 0.5
        deadline = time.perf_counter() + patience_s
        while session.sender.in_flight and time.perf_counter() < deadline:
            gevent.sleep(0.02)
            session.recorder.flush()
        session.sender.give_up(session.began)
        session.recorder.flush()
        watch.look()
        found = {"cpu_cores": cpu_cores, "clock_jumps": watch.jumps, "real_time": session.real_time}
        self._send("finished", found)


def main() -> None:
    """Serve one run, then end with the director."""
    setup_logging("WARNING")  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    allow_connections()
    host, port = sys.argv[1], int(sys.argv[2])
    environment = Environment(user_classes=[OpenLoopUser, ClosedLoopUser])
    logging.getLogger("locust.runners").setLevel(logging.ERROR)
    runner = environment.create_worker_runner(host, port)
    Worker(environment, runner)
    runner.greenlet.join()


if __name__ == "__main__":
    main()
