"""Percentiles and time series from raw latencies. Pure: numbers in, numbers out."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

PERCENTILES: Final = (50.0, 90.0, 95.0, 99.0, 99.9)


class Second(NamedTuple):
    """What was answered during one second of the run; latencies in milliseconds, None where nothing was correct."""

    start_s: int
    ok: int
    errors: int
    p50_ms: float | None
    worst_ms: float | None


def percentile(sorted_values: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile of ascending values: a value that was really observed, never an interpolation.

    None when there are too few values for it to differ from the largest: p99 needs 100, p99.9 needs 1,000.
    """
    if not 0 < percent < 100:
        raise ValueError(f"a percentile lies between 0 and 100, got {percent}")
    count = len(sorted_values)
    if count < needed_for(percent):
        return None
    # Rounded first: 99.9 / 100 * 1000 is 999.0000000000001 in floating point, and would take the wrong rank.
    return sorted_values[math.ceil(round(percent * count / 100, 9)) - 1]


def needed_for(percent: float) -> int:
    """How many values a percentile needs before it says more than the maximum does."""
    return math.ceil(round(100 / (100 - percent), 9))


def by_second(
    start_s: Sequence[float], latency_ms: Sequence[float], error: Sequence[str | None], duration_s: float
) -> list[Second]:
    """Answers counted in the second they arrived, for every second from 0 to the end of the run, empty ones too.

    The three sequences run in parallel, one entry a request; `error` is None for a correct answer.
    """
    last = max((s + ms / 1000 for s, ms in zip(start_s, latency_ms, strict=True)), default=0.0)
    seconds = max(math.ceil(duration_s), math.floor(last) + 1)
    good: list[list[float]] = [[] for _ in range(seconds)]
    bad = [0] * seconds
    for started, ms, kind in zip(start_s, latency_ms, error, strict=True):
        second = math.floor(started + ms / 1000)
        if kind is None:
            good[second].append(ms)
        else:
            bad[second] += 1
    return [
        Second(i, len(ms), bad[i], sorted(ms)[(len(ms) - 1) // 2] if ms else None, max(ms, default=None))
        for i, ms in enumerate(good)
    ]
