"""The highest rate at which the generator keeps its schedule: double until it does not, then halve the gap. Pure."""

import math
from collections.abc import Callable
from typing import Final

from loadtest.ceiling.record import Attempt

FIRST_PER_S: Final = 500.0
RESOLUTION: Final = 0.05
"""The rate that was not kept is at most this share above the one that was."""
_LOWEST_PER_S: Final = 10.0
_HIGHEST_PER_S: Final = 100_000.0

Measure = Callable[[float], Attempt]
"""One run at a rate in starts a second."""


def highest_kept(measure: Measure, first_per_s: float = FIRST_PER_S) -> Attempt | None:
    """The run at the highest rate whose schedule was kept, None when not even ten starts a second were.

    A run that was not kept is repeated once: whatever else the machine does can only make starts later, never earlier.
    """

    def tried(rate_per_s: float) -> Attempt:
        attempt = measure(rate_per_s)
        return attempt if attempt.kept else measure(rate_per_s)

    best = tried(first_per_s)
    too_high = math.inf if best.kept else first_per_s
    while not best.kept and best.rate_per_s > _LOWEST_PER_S:
        too_high = best.rate_per_s
        best = tried(max(best.rate_per_s / 2, _LOWEST_PER_S))
    if not best.kept:
        return None
    while too_high == math.inf and best.rate_per_s < _HIGHEST_PER_S:
        higher = tried(min(best.rate_per_s * 2, _HIGHEST_PER_S))
        best, too_high = (higher, too_high) if higher.kept else (best, higher.rate_per_s)
    while too_high != math.inf and too_high > best.rate_per_s * (1 + RESOLUTION):
        between = tried(math.sqrt(best.rate_per_s * too_high))
        best, too_high = (between, too_high) if between.kept else (best, between.rate_per_s)
    return best
