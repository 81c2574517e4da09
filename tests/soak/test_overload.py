"""Overload with the real model on this machine: the long form of tests/loopback/test_overload.py.

Capacity is what a closed loop of eight users gets right before; then three times as much is sent in an open loop. The
generator and the refusals take processor time from the same cores, so the bar on the served rate includes them.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtest.arrivals import Closed, Hold, Steps
from loadtest.machine import description
from loadtest.run import run_load
from loadtest.settings import LoadSettings
from lookout.files import write_whole
from service.settings import Settings
from tests.loopback.overload import Overload, overloaded
from tests.loopback.service import running
from tests.soak.report import MEASUREMENTS

pytestmark = pytest.mark.loopback

MEASURE_S, CALM_S, OVERLOAD_S, AGAIN_CALM_S = 10.0, 10.0, 20.0, 12.0


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with running() as (url, _):
        yield url


def test_three_times_the_capacity_of_the_real_model(url: str) -> None:
    closed = LoadSettings(url=url, arrivals=Closed(users=8), duration_s=MEASURE_S)
    run_load(closed, {}, lambda _: None)  # warm
    capacity = run_load(closed, {}, lambda _: None).throughput_per_s
    calm, again = Hold(rate=capacity / 3, for_s=CALM_S), Hold(rate=capacity / 3, for_s=AGAIN_CALM_S)
    steps = Steps(steps=(calm, Hold(rate=3 * capacity, for_s=OVERLOAD_S), again))
    settings = LoadSettings(url=url, arrivals=steps, duration_s=CALM_S + OVERLOAD_S + AGAIN_CALM_S, seed=3)
    found = overloaded(run_load(settings, {}, lambda _: None), CALM_S, CALM_S + OVERLOAD_S)
    _write(capacity, found)
    print(f"capacity {capacity:.1f}/s; {found}")
    assert found.served_per_s >= 0.9 * capacity
    assert found.served_p99_ms <= Settings().queue_deadline_s * 1000 + found.calm_p99_ms + found.late_ms
    assert found.refused_before == found.refused_after == 0
    assert found.after_p50_ms <= 1.25 * found.calm_p50_ms + found.late_ms


def _write(capacity: float, found: Overload) -> None:
    document = {
        "schema_version": 1,
        "machine": description(),
        "capacity_per_s": round(capacity, 1),
        **found.model_dump(),
    }
    path = MEASUREMENTS / f"overload-{datetime.now(UTC):%Y-%m-%d}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(document, indent=1) + "\n")
