"""The ceiling as a contestant: its processes, told when to run. They wait on a pipe, so nobody need pause them."""

import json
import os
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from loadtest.generator.priority import go_first
from lookout import paths
from lookout.errors import LookoutError
from service.quota import usable_cores
from tests.bench import processes
from tests.bench.client import Sample, Seen
from tests.bench.peers.our_model import MODEL, THREADS
from tests.bench.record import Layout, Memory


class Style(NamedTuple):
    """How the cores are used: processes, and in each threads of its own or of the interpreter."""

    layout: Layout
    sessions: int
    """In each process."""
    words: str


_MODULE: Final = "tests.bench.ceiling_loop"
_PATIENCE_S: Final = 60.0
"""Beyond what it was asked for: to load the model, or to finish a photo on a crowded machine."""


def styles() -> tuple[Style, ...]:
    """What is tried: a process a core, a thread a core, and one session with a thread a core."""
    cores = usable_cores()
    return (
        Style(Layout(processes=cores, threads=1), 1, "a process a core"),
        Style(Layout(processes=1, threads=cores), cores, "a session a core in one process"),
        Style(Layout(processes=1, threads=cores), 1, "one session with a thread a core"),
    )


def alone() -> Style:
    """One session on one thread: how long a photo takes where nothing else runs."""
    return Style(Layout(processes=1, threads=1), 1, "one thread")


class Ceiling:
    """Loops that are ready to run."""

    def __init__(self, style: Style, loops: "list[subprocess.Popen[str]]") -> None:
        self.style, self._loops = style, loops

    def measure(self, folder: Path, seconds: float, warm_s: float) -> Seen:
        """A while over the photos of a folder, in all processes at once. LookoutError when none was finished."""
        for loop in self._loops:
            _tell(loop, {"folder": str(folder), "warm_s": warm_s, "seconds": seconds})
        done = [json.loads(_line(loop, seconds + warm_s + _PATIENCE_S)) for loop in self._loops]
        samples = [Sample(started, ended, correct=True) for each in done for started, ended in each]
        if not samples:
            raise LookoutError(f"the ceiling finished no photo in {seconds:g} s", "give it longer rounds")
        return Seen(samples, seconds, client_s=0.0)

    def answer(self, folder: Path, starts: Sequence[float]) -> Seen:
        """Photos that come at those seconds, each to the first process that is free: what a server would do that takes
        no time itself. Samples begin when a photo was to come. LookoutError when a process does not answer."""
        free, waiting = [*self._loops], deque[tuple[int, float]]()
        busy: dict[IO[str], tuple[subprocess.Popen[str], float]] = {}
        begins = time.perf_counter()
        coming, samples = deque(enumerate(begins + start for start in starts)), list[Sample]()
        with _first():
            while coming or waiting or busy:
                while coming and coming[0][1] <= time.perf_counter():
                    waiting.append(coming.popleft())
                while waiting and free:
                    number, due = waiting.popleft()
                    loop = free.pop()
                    assert loop.stdout is not None  # a pipe was asked for
                    busy[loop.stdout] = (loop, due)
                    _tell(loop, {"folder": str(folder), "photo": number})
                wait_s = max(0.0, coming[0][1] - time.perf_counter()) if coming else _PATIENCE_S
                done = select.select([*busy], [], [], wait_s)[0]
                if not done and not coming:
                    raise LookoutError(f"the ceiling finished no photo in {_PATIENCE_S:g} s", "run the bench again")
                for one in done:
                    loop, due = busy.pop(one)
                    samples.append(Sample(due, float(_line(loop, _PATIENCE_S)), correct=True))
                    free.append(loop)
        return Seen(samples, time.perf_counter() - begins, client_s=0.0)

    def memory(self) -> Memory:
        """Of all loops."""
        weights = [processes.weigh(loop.pid) for loop in self._loops]
        return Memory(
            processes=sum(weight.processes for weight in weights),
            rss_mib=round(sum(weight.rss_mib for weight in weights), 1),
            pss_mib=round(sum(weight.pss_mib for weight in weights), 1),
        )


@contextmanager
def ceiling(model: Path, style: Style, say: Callable[[str], None]) -> Iterator[Ceiling]:
    """The loops in that style, model loaded. LookoutError when one does not come up."""
    say(f"starting ceiling, {style.words}")
    threads = 1 if style.sessions > 1 else style.layout.threads
    environment = {**os.environ, MODEL: str(model), THREADS: str(threads)}
    with ExitStack() as stack:
        loops = [stack.enter_context(_loop(style.sessions, environment)) for _ in range(style.layout.processes)]
        for loop in loops:
            _line(loop, _PATIENCE_S)
        yield Ceiling(style, loops)


@contextmanager
def _loop(sessions: int, environment: dict[str, str]) -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen(
        [sys.executable, "-m", _MODULE, str(sessions)],
        cwd=paths.PROJECT_ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as with the servers
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _first() -> Iterator[None]:
    """Hand photos out on time, as the load generator does: the processes leave no core free to do it on."""
    go_first()
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _tell(loop: "subprocess.Popen[str]", order: dict[str, object]) -> None:
    assert loop.stdin is not None  # a pipe was asked for
    loop.stdin.write(json.dumps(order) + "\n")
    loop.stdin.flush()


def _line(loop: "subprocess.Popen[str]", within_s: float) -> str:
    """The next line it prints; they come one at a time, so none waits unread in a buffer."""
    assert loop.stdout is not None  # a pipe was asked for
    if not select.select([loop.stdout], [], [], within_s)[0]:
        raise LookoutError(f"a process of the ceiling said nothing for {within_s:.0f} s", "run the bench again")
    line = loop.stdout.readline()
    if not line:
        raise LookoutError(f"a process of the ceiling ended with code {loop.wait()}", "its reason stands above")
    return line
