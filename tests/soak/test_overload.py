"""Overload with the real model on this machine: the long form of tests/loopback/test_overload.py.

Capacity is what a closed loop of eight users gets right before and right after three times as much was sent in an open
loop, in turns: a machine shared with others changes its speed within seconds. The generator works on the same cores,
and three times as many requests take three times as much of them; the bar on what is served includes that, and what is
served of the cores that it leaves is written down beside it.
"""

import json
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from loadtest.arrivals import Closed, Hold, Steps
from loadtest.machine import description
from loadtest.result import LoadResult
from loadtest.run import run_load
from loadtest.settings import LoadSettings
from lookout.files import write_whole
from service.quota import usable_cores
from service.settings import Settings
from tests.loopback.overload import Overload, overloaded
from tests.loopback.service import running
from tests.soak.report import MEASUREMENTS

pytestmark = pytest.mark.loopback

TURNS, MEASURE_S = 5, 5.0
CALM_S, OVERLOAD_S, AGAIN_CALM_S = 10.0, 20.0, 12.0


class Turn(NamedTuple):
    """Capacity before and after, and what came of three times as much between them; a second each."""

    capacity: float
    served: float
    capacity_cores: float
    """Of the generator's."""
    served_cores: float

    @property
    def kept(self) -> float:
        """Part of the capacity that was served."""
        return self.served / self.capacity

    @property
    def kept_of_cores(self) -> float:
        """The same of what the generator leaves of the machine's cores."""
        cores = usable_cores()
        return self.kept * (cores - self.capacity_cores) / (cores - self.served_cores)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with running() as (url, _):
        yield url


def test_three_times_the_capacity_of_the_real_model(url: str) -> None:
    play(url, Closed(users=8))  # warm
    turns = [turn(url) for _ in range(TURNS)]
    kept, kept_of_cores = (
        statistics.median(of) for of in ([one.kept for one in turns], [one.kept_of_cores for one in turns])
    )
    capacity = statistics.median(one.capacity for one in turns)
    calm, again = Hold(rate=capacity / 3, for_s=CALM_S), Hold(rate=capacity / 3, for_s=AGAIN_CALM_S)
    steps = Steps(steps=(calm, Hold(rate=3 * capacity, for_s=OVERLOAD_S), again))
    found = overloaded(play(url, steps, CALM_S + OVERLOAD_S + AGAIN_CALM_S), CALM_S, CALM_S + OVERLOAD_S)
    _write(turns, kept, kept_of_cores, found)
    print(f"kept {kept:.2f}, of the cores left {kept_of_cores:.2f}: {turns}; {found}")
    assert kept >= 0.9
    assert found.served_p99_ms <= Settings().queue_deadline_s * 1000 + found.calm_p99_ms + found.late_ms
    assert found.refused_before == found.refused_after == 0
    assert found.after_p50_ms <= 1.25 * found.calm_p50_ms + found.late_ms


def turn(url: str) -> Turn:
    """Closed loop, overload, closed loop."""
    before = play(url, Closed(users=8))
    over = play(url, Steps(steps=(Hold(rate=3 * before.throughput_per_s, for_s=MEASURE_S),)))
    after = play(url, Closed(users=8))
    return Turn(
        capacity=statistics.mean((before.throughput_per_s, after.throughput_per_s)),
        served=sum(error is None for error in over.samples.error) / MEASURE_S,
        capacity_cores=statistics.mean((sum(before.generator.cpu_cores), sum(after.generator.cpu_cores))),
        served_cores=sum(over.generator.cpu_cores),
    )


def play(url: str, arrivals: Closed | Steps, duration_s: float = MEASURE_S) -> LoadResult:
    """One load run."""
    return run_load(LoadSettings(url=url, arrivals=arrivals, duration_s=duration_s, seed=3), {}, lambda _: None)


def _write(turns: list[Turn], kept: float, kept_of_cores: float, found: Overload) -> None:
    document = {
        "schema_version": 2,
        "machine": description(),
        "kept": round(kept, 3),
        "kept_of_cores": round(kept_of_cores, 3),
        "turns": [{name: round(value, 3) for name, value in one._asdict().items()} for one in turns],
        **found.model_dump(),
    }
    path = MEASUREMENTS / f"overload-{datetime.now(UTC):%Y-%m-%d}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(document, indent=1) + "\n")
