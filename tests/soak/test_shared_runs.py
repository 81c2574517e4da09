"""What runs of several photos gain on this machine: the service with TensorFlow, by the photos that a run may have.

All services stay up and have their turn in each round while the others are stopped, so that what else the machine does
meets all alike. Where TensorFlow finds a GPU it measures that: with LOOKOUT_THREADS=1 one worker has it for itself.
"""

import json
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from loadtest.machine import description
from lookout.files import write_whole
from tests.bench import photos, processes
from tests.bench.client import Measured, measure, saturate
from tests.loopback.run_metrics import counted
from tests.loopback.service import running
from tests.soak.report import MEASUREMENTS

pytestmark = pytest.mark.loopback

BATCHES, CONNECTIONS = (1, 2, 4, 8, 16), (16, 32)
ROUNDS, ROUND_S, WARM_S = 5, 3.0, 1.0


class Row(BaseModel):
    """Medians over the rounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connections: int
    max_batch: int
    photos_a_run: float
    per_s: float
    p50_ms: float
    p99_ms: float
    of_one: float
    """Photos a second, by those of the same round with runs of one photo; below, the least and most of any round."""
    of_one_low: float
    of_one_high: float


@pytest.mark.timeout(1800)
def test_the_service_by_the_photos_that_a_run_may_have(tmp_path: Path) -> None:
    (jpegs,) = (photos.read(folder) for folder in photos.make(tmp_path, ["640x480"]).values())
    found: dict[tuple[int, int], list[tuple[Measured, float]]] = {}
    with ExitStack() as stack:
        services = {most: stack.enter_context(_paused(most)) for most in BATCHES}
        for _ in range(ROUNDS):
            for connections in CONNECTIONS:
                for most, (url, pid) in services.items():
                    processes.resume(pid)
                    before = counted(url)
                    measured = measure([saturate(url, jpegs, connections, ROUND_S, WARM_S)])
                    found.setdefault((connections, most), []).append((measured, counted(url).since(before)))
                    processes.pause(pid)
    rows = {key: _row(*key, each, found[key[0], 1]) for key, each in found.items()}
    _write(list(rows.values()))
    for row in rows.values():
        print(row)
    assert sum(measured.errors for each in found.values() for measured, _ in each) == 0
    for connections, most in rows:
        assert rows[connections, most].photos_a_run <= most
    assert rows[max(CONNECTIONS), max(BATCHES)].photos_a_run > 1


@contextmanager
def _paused(most: int) -> Iterator[tuple[str, int]]:
    """URL and process id of a service that is stopped until its turn."""
    quiet = subprocess.DEVNULL
    with running(stderr=quiet, runtime="tensorflow", queue_deadline_s="20", max_batch=str(most)) as (url, process):
        try:
            processes.pause(process.pid)
            yield url, process.pid
        finally:
            processes.end(process.pid)  # stopped workers would not notice that they are alone


def _row(connections: int, most: int, each: list[tuple[Measured, float]], of_one: list[tuple[Measured, float]]) -> Row:
    ratios = [ours.per_s / theirs.per_s for (ours, _), (theirs, _) in zip(each, of_one, strict=True)]
    return Row(
        connections=connections,
        max_batch=most,
        photos_a_run=round(statistics.median(photos for _, photos in each), 1),
        per_s=round(statistics.median(one.per_s for one, _ in each), 1),
        p50_ms=round(statistics.median(one.p50_ms for one, _ in each), 1),
        p99_ms=round(statistics.median(one.p99_ms for one, _ in each), 1),
        of_one=round(statistics.median(ratios), 2),
        of_one_low=round(min(ratios), 2),
        of_one_high=round(max(ratios), 2),
    )


def _write(rows: list[Row]) -> None:
    document = {"schema_version": 1, "machine": description(), "rows": [row.model_dump() for row in rows]}
    path = MEASUREMENTS / f"shared-runs-{datetime.now(UTC):%Y-%m-%d}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(document, indent=1) + "\n")
