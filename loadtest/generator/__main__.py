"""The process that makes the load: `python -m loadtest.generator SAMPLES.jsonl`, settings on its standard input.

Locust replaces the standard library's sockets and threads with gevent's, so it lives in a process of its own. It holds
the director, and either sends itself or directs workers. What it finds becomes lines in the samples file as it comes,
so that nothing measured is lost with the process:

    {"waiting": {…}}  {"begin": {…}}  {"samples": {column: […]}}  {"model": {…}}  {"end": {…}}

SIGTERM ends the run early and the file in good order.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

import gevent  # type: ignore[import-untyped]  # ships no types
from locust.env import Environment
from locust.log import setup_logging
from locust.stats import stats_history

from loadtest.generator.director import Director
from loadtest.generator.ports import allow_connections, free_port
from loadtest.generator.users import user_class
from loadtest.generator.worker import Worker
from loadtest.settings import LoadSettings
from lookout.errors import LookoutError

_ORPHAN_LOOK_S: Final = 0.5
_JOIN_S: Final = {False: 60.0, True: 600.0}
"""How long to wait for workers: those this process started, and those that people start elsewhere."""


def run(settings: LoadSettings, sink: TextIO) -> None:
    """Make the load, wait for what is in flight, write everything into `sink`. LookoutError when it cannot be made."""

    def line(kind: str, record: Any) -> None:
        sink.write(json.dumps({kind: record}) + "\n")
        sink.flush()

    environment = Environment(user_classes=[user_class(settings)], host=settings.url)
    with ExitStack() as stack:
        distributed = settings.processes > 1 or settings.master is not None
        runner: Any = stack.enter_context(_master(environment, settings)) if distributed else None
        if runner is None:
            runner = environment.create_local_runner()
            Worker(environment, runner)
        stack.callback(runner.quit)  # whatever happens: workers elsewhere end with it
        director = Director(runner, settings, line)
        gevent.signal_handler(signal.SIGTERM, director.halted.set)
        gevent.spawn(_halt_when_orphaned, os.getppid(), director)
        # Locust's page has a button for it; Locust itself stops when its last worker is gone.
        environment.events.test_stopping.add_listener(lambda **_: director.halted.set())  # type: ignore[no-untyped-call]  # as Locust leaves it
        if settings.web_port is not None:
            environment.create_web_ui("127.0.0.1", settings.web_port)
            gevent.spawn(stats_history, runner)
        if distributed:
            _wait_for_workers(runner, settings, director, line)
        director.prepare()
        if director.halted.is_set():
            return
        director.go()
        users = settings.arrivals.users if settings.arrivals.kind == "closed" else settings.processes
        runner.start(users, spawn_rate=min(users, 100))
        director.follow()


@contextmanager
def _master(environment: Environment, settings: LoadSettings) -> Iterator[Any]:
    """Locust's master, and the workers of this machine unless others are to join; they end with the block."""
    host, _, port = (settings.master or "127.0.0.1:0").rpartition(":")
    number = int(port) or free_port()
    runner = environment.create_master_runner(host, number)
    command = [sys.executable, "-m", "loadtest.generator.worker", "127.0.0.1", str(number)]
    count = 0 if settings.master else settings.processes
    workers = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield runner
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait()


def _wait_for_workers(runner: Any, settings: LoadSettings, director: Director, line: Any) -> None:
    joined, patience_s = -1, _JOIN_S[settings.master is not None]
    deadline = time.perf_counter() + patience_s
    while (ready := len(runner.clients.ready)) < settings.processes and not director.halted.is_set():
        if ready != joined:
            joined = ready
            line("waiting", {"workers": ready, "of": settings.processes})
        if time.perf_counter() > deadline:
            raise LookoutError(f"{ready} of {settings.processes} workers joined within {patience_s:g} s", "start them")
        gevent.sleep(0.02)


def _halt_when_orphaned(parent: int, director: Director) -> None:
    while os.getppid() == parent:
        gevent.sleep(_ORPHAN_LOOK_S)
    director.halted.set()  # nobody is left to read it


def main() -> None:
    """Read the settings, write the samples."""
    setup_logging("WARNING")  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    allow_connections()
    settings = LoadSettings.model_validate_json(sys.stdin.read())
    with Path(sys.argv[1]).open("w") as sink:
        try:
            run(settings, sink)
        except LookoutError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
