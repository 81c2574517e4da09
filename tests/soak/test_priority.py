"""Who has to wait for a core: the HTTP process beside workers of a tenth of its weight, and of its own, in turns.

Workers of its own weight are the service's, given the HTTP process's priority, which takes root.
"""

import os
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from tests.bench import photos
from tests.bench.client import measure, saturate
from tests.loopback.service import running

pytestmark = pytest.mark.loopback

CONNECTIONS = (2, 8)
TURNS, TURN_S, WARM_S = 30, 0.5, 0.1


class Turn(NamedTuple):
    """One turn of one side."""

    per_s: float
    waited_ms: float
    """That the HTTP process was ready to run and did not, for each photo."""


@pytest.fixture
def service() -> Iterator[tuple[str, psutil.Process]]:
    with running() as (url, process):
        yield url, psutil.Process(process.pid)


@pytest.mark.parametrize("connections", CONNECTIONS)
def test_the_http_process_goes_before_its_workers(
    connections: int, service: tuple[str, psutil.Process], tmp_path: Path
) -> None:
    url, server = service
    workers = server.children()
    own, theirs = server.nice(), workers[0].nice()
    (jpegs,) = (photos.read(folder) for folder in photos.make(tmp_path, ["640x480"]).values())
    turns: dict[int, list[Turn]] = {theirs: [], own: []}
    for _ in range(TURNS):
        for priority, of in turns.items():
            for worker in workers:
                for thread in worker.threads():
                    os.setpriority(os.PRIO_PROCESS, thread.id, priority)
            of.append(_turn(url, server.pid, jpegs, connections))
    below, level = turns[theirs], turns[own]
    faster = statistics.median(one.per_s / other.per_s for one, other in zip(below, level, strict=True))
    waited = [statistics.mean(one.waited_ms for one in of) for of in (below, level)]
    print(f"{connections} connections: {faster:.3f} times as fast, waiting {waited[0]:.2f} and not {waited[1]:.2f} ms")
    assert waited[0] < waited[1] / 2


def _turn(url: str, pid: int, jpegs: list[bytes], connections: int) -> Turn:
    before_s = _waited_s(pid)
    measured = measure([saturate(url, jpegs, connections, TURN_S, WARM_S)])
    assert not measured.errors
    photos_done = measured.per_s * (TURN_S + WARM_S)
    return Turn(measured.per_s, (_waited_s(pid) - before_s) / photos_done * 1000)


def _waited_s(pid: int) -> float:
    """Seconds that the process's first thread has waited for a core; man 5 proc, schedstat."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1]) / 1e9
