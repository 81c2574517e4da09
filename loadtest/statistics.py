"""Percentiles from raw latencies. Pure: numbers in, numbers out."""

import math
from collections.abc import Sequence
from typing import Final

PERCENTILES: Final = (50.0, 90.0, 95.0, 99.0, 99.9)


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
