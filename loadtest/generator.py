"""The process that makes the load: `python -m loadtest.generator SAMPLES.jsonl`, settings on its standard input.

Locust replaces the standard library's sockets and threads with gevent's, so it lives in a process of its own.
What it finds becomes lines in the samples file as it comes, so that nothing measured is lost with the process:

    {"begin": {…}}  {"samples": {column: […]}}  {"model": {…}}  {"end": {…}}

SIGTERM ends the run early and the file in good order.
"""

import gc
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

from loadtest.arrivals import share
from loadtest.photos import load_photos
from loadtest.recorder import Recorder
from loadtest.sender import Sender
from loadtest.settings import LoadSettings
from loadtest.users import Session, user_class

_FLUSH_EVERY_S = 0.2
_GRACE_WHEN_TOLD_TO_STOP_S = 1.0
_LEAD_S = 0.05
"""Between saying go and the schedule's zero: time enough to spawn the user."""


def run(settings: LoadSettings, sink: TextIO) -> None:
    """Make the load, then wait for what is in flight."""

    def line(kind: str, record: object) -> None:
        sink.write(json.dumps({kind: record}) + "\n")
        sink.flush()

    user = user_class(settings)
    environment = Environment(user_classes=[user], host=settings.url, stop_timeout=settings.timeout_s + 1)
    runner = environment.create_local_runner()
    recorder = Recorder(line)
    sender = Sender(settings, recorder, environment.events.request.fire)
    session = user.session = Session(settings, sender, recorder)
    told_to_stop = gevent.event.Event()
    gevent.signal_handler(signal.SIGTERM, told_to_stop.set)
    faults: list[BaseException] = []

    def on_fault(exception: BaseException, **_: Any) -> None:
        # Not an answer of the server but a mistake of this side: a figure measured around it would be worth nothing.
        faults.append(exception)
        told_to_stop.set()

    environment.events.user_error.add_listener(on_fault)  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    users = 1
    if settings.arrivals.kind == "closed":
        users = settings.arrivals.users
    else:
        times = settings.arrivals.times(settings.duration_s, settings.seed).tolist()
        session.schedule = [(index, times[index]) for index in share(len(times), 0, 1)]
    gc.collect()
    gc.freeze()
    flusher = gevent.spawn(_flush, recorder, os.getppid(), told_to_stop)

    session.began = time.perf_counter() + _LEAD_S
    photos = [photo.name for photo in load_photos()]
    line(
        "begin",
        {"at": time.time() + _LEAD_S, "perf": session.began, "locust": locust.__version__, "photos": photos},
    )
    cpu_before = time.process_time()
    runner.start(users, spawn_rate=min(users, 100))
    interrupted = told_to_stop.wait(session.began + settings.duration_s - time.perf_counter())
    duration_s = time.perf_counter() - session.began
    cpu_cores = (time.process_time() - cpu_before) / duration_s
    if not interrupted and settings.arrivals.kind != "closed":
        duration_s = settings.duration_s
        session.done.wait(settings.timeout_s)
    else:
        environment.stop_timeout = 0
    drained = time.perf_counter() + (_GRACE_WHEN_TOLD_TO_STOP_S if interrupted else settings.timeout_s + 0.5)
    stopping = gevent.spawn(runner.stop)
    while sender.in_flight and time.perf_counter() < drained:
        gevent.sleep(0.01)
    sender.give_up(session.began)
    stopping.join()
    flusher.kill()
    recorder.flush()
    if faults:
        raise faults[0]
    line("end", {"duration_s": duration_s, "cpu_cores": [cpu_cores]})


def _flush(recorder: Recorder, parent: int, told_to_stop: gevent.event.Event) -> None:
    while True:
        gevent.sleep(_FLUSH_EVERY_S)
        recorder.flush()
        if os.getppid() != parent:  # nobody is left to read it
            told_to_stop.set()


def main() -> None:
    """Read the settings, write the samples."""
    setup_logging("WARNING")  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    settings = LoadSettings.model_validate_json(sys.stdin.read())
    with Path(sys.argv[1]).open("w") as sink:
        run(settings, sink)


if __name__ == "__main__":
    main()
