"""The side that decides: it hands out the plan, says go, and notices who is lost. It sends no request itself."""

import time
from collections.abc import Callable
from typing import Any, Final

import gevent  # type: ignore[import-untyped]  # ships no types
import gevent.event  # type: ignore[import-untyped]  # as above
import locust
from locust.runners import MasterRunner

from loadtest.settings import LoadSettings
from lookout.errors import LookoutError

Line = Callable[[str, Any], None]

_LEAD_S: Final = {False: 0.2, True: 1.0}
"""From saying go to the schedule's zero, alone and with workers: time enough for messages and for spawning the user."""
_PREPARE_S: Final = 60.0
_GRACE_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.1
_SILENT: Final = "missing"
"""Locust's word for a worker whose heartbeat has stopped."""


class Director:
    """One run over the workers that have joined; `line` takes what they find."""

    def __init__(self, runner: Any, settings: LoadSettings, line: Line) -> None:
        self._runner, self._settings, self._line = runner, settings, line
        self._workers: list[str] = []
        self._zero = 0.0
        self._prepared: dict[str, list[str]] = {}
        self._finished: dict[str, dict[str, Any]] = {}
        self._failed: str | None = None
        self.halted = gevent.event.Event()
        for kind, handle in (
            ("samples", lambda msg, **_: line("samples", msg.data)),
            ("in_flight", lambda msg, **_: line("in_flight", msg.data)),
            ("model", lambda msg, **_: line("model", msg.data)),
            ("prepared", lambda msg, **_: self._prepared.update({msg.node_id: msg.data["photos"]})),
            ("finished", lambda msg, **_: self._finished.update({msg.node_id: msg.data})),
            ("failed", lambda msg, **_: self._fail(msg.data)),
        ):
            runner.register_message(kind, handle)

    def prepare(self) -> None:
        """Give each worker its share and wait until it is ready. LookoutError when one is not."""
        self._workers = sorted(self._runner.clients.keys()) if isinstance(self._runner, MasterRunner) else ["local"]
        for index, worker in enumerate(self._workers):
            plan = {"settings": self._settings.revealed(), "index": index, "workers": len(self._workers)}
            self._runner.send_message("plan", {**plan, "now": time.time()}, worker)
        deadline = time.perf_counter() + _PREPARE_S
        while len(self._prepared) < len(self._workers) and not self.halted.is_set():
            if self._lost():
                raise LookoutError("a worker was lost before the run began", "look at its log, start it again")
            if time.perf_counter() > deadline:
                raise LookoutError(f"the workers were not ready within {_PREPARE_S:g} s", "look at their logs")
            gevent.sleep(_LOOK_EVERY_S / 10)
        self._check()

    def go(self) -> None:
        """Agree on the instant that is zero in the schedule, and write it down."""
        lead_s = _LEAD_S[len(self._workers) > 1]
        at, perf = time.time() + lead_s, time.perf_counter() + lead_s
        photos = next(iter(self._prepared.values()), [])
        self._line("begin", {"at": at, "perf": perf, "locust": locust.__version__, "photos": photos})
        self._runner.send_message("go", {"at": at})
        self._zero = perf

    def follow(self) -> None:
        """Wait until every worker has finished or is lost, and write down how it ended. LookoutError on a fault."""
        settings = self._settings
        ends = self._zero + settings.duration_s
        deadline = ends + settings.timeout_s + _GRACE_S
        early_s: float | None = None
        while time.perf_counter() < deadline and self._failed is None:
            if self.halted.is_set() and early_s is None:
                early_s = max(time.perf_counter() - self._zero, 0.0)
                deadline = time.perf_counter() + _GRACE_S
                self._runner.send_message("halt", None)
            waiting = [worker for worker in self._workers if worker not in self._finished]
            lost = self._lost()
            if not waiting or (len(lost) == len(waiting) and (time.perf_counter() > ends or lost == self._workers)):
                break
            gevent.sleep(_LOOK_EVERY_S)
        self._check()
        found = list(self._finished.values())
        self._line(
            "end",
            {
                "duration_s": min(settings.duration_s if early_s is None else early_s, settings.duration_s),
                "cpu_cores": [one["cpu_cores"] for one in found],
                "clock_jumps": max((one["clock_jumps"] for one in found), default=0),
                "real_time": bool(found) and all(one["real_time"] for one in found),
                "halted": early_s is not None,
                "workers_lost": len(self._workers) - len(found),
            },
        )

    def _lost(self) -> list[str]:
        """Workers that have not finished and will not."""
        if not isinstance(self._runner, MasterRunner):
            return []
        clients = self._runner.clients
        return [
            worker
            for worker in self._workers
            if worker not in self._finished and (worker not in clients or clients[worker].state == _SILENT)
        ]

    def _fail(self, reason: str) -> None:
        self._failed = reason
        self.halted.set()

    def _check(self) -> None:
        if self._failed is not None:
            raise LookoutError(f"a sending process failed: {self._failed}", "look at its log")
