"""The live line tells intended from achieved rate and looks at the last seconds only."""

import json
from typing import Any

from loadtest.arrivals import Closed, Spike
from loadtest.live import progress_line
from loadtest.recording import Recording
from loadtest.settings import LoadSettings

SETTINGS = LoadSettings(arrivals=Spike(rate=10, peak=50, at_s=5, for_s=10))


def _recording(**columns: list[Any]) -> Recording:
    recording = Recording()
    recording.add('{"begin": {"perf": 1.0}}')
    count = len(columns["intended_s"])
    whole = {
        "index": list(range(count)),
        "lag_ms": [0.0] * count,
        "service_ms": [20.0] * count,
        "error": [None] * count,
        **columns,
    }
    recording.add(json.dumps({"samples": whole}))
    return recording


def test_before_it_begins_it_says_for_whom_it_waits() -> None:
    recording = Recording()
    assert progress_line(recording, SETTINGS, 0) == "starting the load generator …"
    recording.add('{"waiting": {"workers": 1, "of": 3}}')
    assert progress_line(recording, SETTINGS, 0) == "starting the load generator: 1 of 3 workers are here …"


def test_shows_what_is_intended_now_beside_what_is_answered() -> None:
    recording = _recording(intended_s=[5 + i / 10 for i in range(50)])
    line = progress_line(recording, SETTINGS, 10.0)
    assert line.startswith(
        "  10 / 30 s   50.0/s intended, 10.0/s answered   0 in flight   p50 20.0 ms, largest 20.0 ms"
    )


def test_latency_is_that_of_the_last_seconds_and_from_the_intended_start() -> None:
    recording = _recording(intended_s=[0.0, 9.0], lag_ms=[0.0, 10.0], service_ms=[900.0, 30.0])
    assert "p50 40.0 ms, largest 40.0 ms" in progress_line(recording, SETTINGS, 10.0)


def test_counts_errors_late_starts_and_drops_apart() -> None:
    recording = _recording(
        intended_s=[1.0, 2.0, 3.0],
        lag_ms=[6.0, 0.0, None],
        service_ms=[20.0, 20.0, None],
        error=[None, "timeout", "dropped: too many"],
    )
    line = progress_line(recording, SETTINGS, 4.0)
    assert line.endswith("1 errors   1 starts over 5 ms late   1 DROPPED")


def test_adds_up_what_each_worker_has_in_flight() -> None:
    recording = _recording(intended_s=[])
    for worker, requests in ((0, 5), (1, 4), (0, 3)):
        recording.add(json.dumps({"in_flight": {"worker": worker, "requests": requests}}))
    assert "7 in flight" in progress_line(recording, SETTINGS, 1.0)


def test_a_closed_loop_intends_no_rate() -> None:
    line = progress_line(_recording(intended_s=[0.0]), LoadSettings(arrivals=Closed()), 1.0)
    assert "1.0/s answered" in line
    assert "intended" not in line
