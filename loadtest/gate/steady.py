"""Whether the end of a run was in steady state: its last three windows alike in throughput and latency. Pure.

The rule is that of Triton's perf_analyzer, with two changes. Throughput is what was answered over what was intended in
the same window, so that Poisson's own noise does not count as the server's. And two windows differ only when chance
does not explain it: their 99 % confidence intervals must lie apart as well, because a window of a hundred requests
scatters by ten percent on its own. A median's interval comes from order statistics, so no distribution is assumed; a
throughput's from what is in flight at the window's two edges (Poisson, by Little's law its mean is rate times latency)
and from the requests that went wrong.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrik, ndtri  # type: ignore[import-untyped]  # no types; scipy.stats takes a second

from loadtest.gate.tally import columns
from loadtest.result import LoadResult
from lookout import contract

TOLERANCE: Final = 0.10
WINDOWS: Final = 3
SHARE: Final = 0.2
"""Of the run in each window: the last three leave two fifths to warm up in."""
SHORTEST_S: Final = 1.0
FEWEST: Final = 30
"""Correct answers in a window; below, its median says little."""
GRAIN_MS: Final = 1.0
"""Medians closer than this are alike: on a busy machine the scheduler alone moves them as far."""
_STEADY_KINDS: Final = ("constant", "poisson", "closed")


class Steadiness(NamedTuple):
    """Whether the last windows were alike, None where they were too small to say, and a sentence that says why."""

    steady: bool | None
    reason: str


class _Window(NamedTuple):
    answered: int
    of: float
    """What `answered` is compared with: the intended starts, or the seconds of a closed loop's window."""
    scatter: float
    """Standard deviation of `answered` by chance alone."""
    latency_ms: NDArray[np.float64]
    """Of correct answers to the starts of the window, ascending."""


def steadiness(result: LoadResult) -> Steadiness:
    """Judge the last three fifths of the run, a fifth a window.

    Where the rate varies on purpose (ramp, step, spike, diurnal, replay) latency varies with it, so that only the
    throughput is judged: against the intended rate of each window.
    """
    length_s = result.duration_s * SHARE
    if length_s < SHORTEST_S:
        return Steadiness(None, f"windows of {length_s:.1f} s are too short to say: a run takes {5 * SHORTEST_S:g} s")
    windows = _windows(result, length_s)
    fewest = min(window.latency_ms.size for window in windows)
    if fewest < FEWEST:
        return Steadiness(None, f"one of the last three windows has {fewest} correct answers, {FEWEST} are needed")
    closed = result.loop == "closed"
    kept = [window.answered / window.of for window in windows]
    unit = "/s" if closed else " of the intended rate"
    shown = ", ".join(f"{rate:.1f}" if closed else f"{rate:.0%}" for rate in kept) + unit
    span = f"the last three windows of {length_s:.1f} s"
    if _rates_differ(windows, kept):
        return Steadiness(False, f"throughput differed by more than {TOLERANCE:.0%} over {span}: {shown}")
    if result.settings.arrivals.kind not in _STEADY_KINDS:
        return Steadiness(True, f"the rate varied on purpose, so only throughput counts; over {span} it was {shown}")
    medians = [float(np.median(window.latency_ms)) for window in windows]
    figures = ", ".join(f"{ms:.1f}" for ms in medians) + " ms"
    if _medians_differ(windows, medians):
        return Steadiness(False, f"median latency differed by more than {TOLERANCE:.0%} over {span}: {figures}")
    return Steadiness(True, f"over {span} throughput was {shown} and median latency {figures}")


def _windows(result: LoadResult, length_s: float) -> list[_Window]:
    run = columns(result.samples)
    arrived_s = run.intended_s + run.latency_ms / 1000
    windows = []
    for i in range(WINDOWS, 0, -1):
        start, end = result.duration_s - i * length_s, result.duration_s - (i - 1) * length_s
        intended = (run.intended_s >= start) & (run.intended_s < end)
        answered = run.correct & (arrived_s >= start) & (arrived_s < end)
        count, wrong = int(answered.sum()), int((intended & ~run.correct).sum())
        in_flight = float(run.latency_ms[answered].sum()) / 1000 / length_s
        windows.append(
            _Window(
                answered=count,
                of=length_s if result.loop == "closed" else int(intended.sum()),
                scatter=math.sqrt(count if result.loop == "closed" else 2 * in_flight + wrong),
                latency_ms=np.sort(run.latency_ms[intended & run.correct]),
            )
        )
    return windows


def _rates_differ(windows: Sequence[_Window], kept: Sequence[float]) -> bool:
    """Whether highest and lowest throughput are further apart than the tolerance and chance."""
    highest, lowest = int(np.argmax(kept)), int(np.argmin(kept))
    if kept[highest] <= kept[lowest] * (1 + TOLERANCE):
        return False
    deviations = float(ndtri(1 - (1 - contract.SLO_CONFIDENCE) / 2))
    chance = sum(deviations * windows[i].scatter / windows[i].of for i in (highest, lowest))
    return kept[highest] - kept[lowest] > chance


def _medians_differ(windows: Sequence[_Window], medians: Sequence[float]) -> bool:
    """Whether slowest and fastest window are further apart than the tolerance, the grain and chance."""
    slowest, fastest = int(np.argmax(medians)), int(np.argmin(medians))
    apart_ms = medians[slowest] - medians[fastest]
    if apart_ms <= max(GRAIN_MS, TOLERANCE * medians[fastest]):
        return False
    return _interval(windows[slowest].latency_ms)[0] > _interval(windows[fastest].latency_ms)[1]


def _interval(ascending: NDArray[np.float64]) -> tuple[float, float]:
    """Confidence interval of the median: between the order statistics that Binomial(n, 1/2) leaves outside."""
    outside = (1 - contract.SLO_CONFIDENCE) / 2
    rank = max(math.ceil(bdtrik(outside, ascending.size, 0.5)) - 1, 0)
    return float(ascending[rank]), float(ascending[-1 - rank])
