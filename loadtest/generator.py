"""The process that makes the load: `python -m loadtest.generator SETTINGS.json SAMPLES.jsonl`.

Locust replaces the standard library's sockets and threads with gevent's, so it lives in a process of its own.
Every answer becomes a line in the samples file as it comes, so that nothing measured is lost with the process:

    {"begin": {"at": wall clock}}  ["sample", start_s, latency_ms, error or null]  {"model": {…}}  {"end": {…}}

SIGTERM ends the run early and the file in good order.
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import gevent  # type: ignore[import-untyped]  # ships no types
import gevent.event  # type: ignore[import-untyped]  # as above
import locust
from locust.env import Environment
from locust.log import setup_logging

from loadtest.answers import WrongAnswerError, transport_kind
from loadtest.locustfile import DetectorUser
from loadtest.photos import load_photos
from loadtest.settings import REQUEST_TIMEOUT_S, LoadSettings

_FLUSH_EVERY_S = 0.2
_GRACE_WHEN_TOLD_TO_STOP_S = 1.0


class Recorder:
    """Writes each request Locust reports as one line; times are seconds since `began`."""

    def __init__(self, sink: TextIO) -> None:
        self.began = time.perf_counter()
        self._sink = sink
        self._models: set[str] = set()

    def line(self, record: object) -> None:
        """Append one record."""
        self._sink.write(json.dumps(record) + "\n")

    def request(self, *, response_time: float, context: dict[str, Any], exception: Any = None, **_: Any) -> None:
        """Listener of Locust's request event; `response_time` is in milliseconds and not rounded yet."""
        kind = None if exception is None else _kind(exception)
        self.line(["sample", round(context["started"] - self.began, 6), response_time, kind])
        model = context.get("model")
        if model is not None and (key := json.dumps(model, sort_keys=True)) not in self._models:
            self._models.add(key)
            self.line({"model": model})


def run(settings: LoadSettings, sink: TextIO) -> None:
    """Run the users for the given time, then let them finish their last request."""
    photos = load_photos()
    environment = Environment(
        user_classes=[DetectorUser],
        host=settings.url,
        stop_timeout=REQUEST_TIMEOUT_S + 1,
        parsed_options=argparse.Namespace(seed=settings.seed),
    )
    runner = environment.create_local_runner()
    told_to_stop = gevent.event.Event()
    gevent.signal_handler(signal.SIGTERM, told_to_stop.set)
    faults: list[BaseException] = []

    def on_fault(exception: BaseException, **_: Any) -> None:
        # Not an answer of the server but a mistake of this side: a figure measured around it would be worth nothing.
        faults.append(exception)
        told_to_stop.set()

    environment.events.user_error.add_listener(on_fault)  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    # Locust's own 100 ms dispatch and statistics threads are running by now; what is counted starts here.
    recorder = Recorder(sink)
    environment.events.request.add_listener(recorder.request)  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    recorder.line({"begin": {"at": time.time(), "locust": locust.__version__, "photos": [p.name for p in photos]}})
    flusher = gevent.spawn(_flush, sink, os.getppid(), told_to_stop)
    cpu_before = time.process_time()

    runner.start(settings.users, spawn_rate=settings.spawn_rate)
    interrupted = told_to_stop.wait(settings.duration_s)
    duration_s = time.perf_counter() - recorder.began
    cpu_cores = (time.process_time() - cpu_before) / duration_s
    if interrupted:
        environment.stop_timeout = _GRACE_WHEN_TOLD_TO_STOP_S
    runner.quit()

    flusher.kill()
    if faults:
        raise faults[0]
    recorder.line({"end": {"duration_s": duration_s, "cpu_cores": cpu_cores, "sent": DetectorUser.sent}})
    sink.flush()


def _flush(sink: TextIO, parent: int, told_to_stop: gevent.event.Event) -> None:
    while True:
        gevent.sleep(_FLUSH_EVERY_S)
        sink.flush()
        if os.getppid() != parent:  # nobody is left to read it
            told_to_stop.set()


def _kind(exception: BaseException) -> str:
    return exception.kind if isinstance(exception, WrongAnswerError) else transport_kind(exception)


def main() -> None:
    """Read the settings, write the samples."""
    setup_logging("WARNING")  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    settings = LoadSettings.model_validate_json(Path(sys.argv[1]).read_text())
    with Path(sys.argv[2]).open("w") as sink:
        run(settings, sink)


if __name__ == "__main__":
    main()
