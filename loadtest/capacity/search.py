"""The highest rate that meets the SLO: bracket, narrow, confirm. Runs are injected.

While searching, a run may stop as soon as the sequential rule of loadtest/gate/sequential.py has decided. The rate
found is then run again at full length under a new seed and judged by the gate alone, so what is reported has the gate's
error rate and not that of the best among many looks; each further try after a failed confirmation adds its own 1 %.
"""

import math
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from loadtest.capacity.record import Attempt, SloRate
from loadtest.gate.verdict import Judgement

Purpose = Literal["bracket", "narrow", "confirm"]
CONFIRMATIONS: Final = 4
"""How many rates are confirmed at most; each after the first is lower, by one, two and four steps of the resolution."""
_FACTOR: Final = 2.0
_RETRIES: Final = 1
"""Of a run in which the generator missed its own schedule: a busy moment of the machine says nothing of the pod."""


class Ask(NamedTuple):
    """One run that the search wants; a confirmation goes to its end, others may stop once they are decided."""

    purpose: Purpose
    rate_per_s: float
    seed: int


class Bounds(NamedTuple):
    """Where to begin, what not to exceed and not to fall below (a second), and how close to come, as a share of it."""

    first: float
    ceiling: float
    resolution: float
    lowest: float
    """Below it the SLO could not be proven in the time that a confirmation may take."""


def most_runs(resolution: float) -> int:
    """Runs that a search can take when its first rate is within a factor of 4 of the result, confirmations included."""
    return 3 + math.ceil(math.log2(math.log(_FACTOR) / math.log1p(resolution))) + CONFIRMATIONS


def highest_rate(
    measure: Callable[[Ask], Attempt],
    bounds: Bounds,
    seed: int,
    keep: Callable[[Attempt], None] = lambda _attempt: None,
) -> SloRate:
    """Search and confirm. `keep` hears of every attempt as it ends, so that an interrupted search leaves its runs.

    The rate is None when not even the lowest rate passes, or when no confirmation does.
    """
    attempts: list[Attempt] = []

    def run(purpose: Purpose, rate: float) -> Attempt:
        for _ in range(1 + _RETRIES):
            attempts.append(measure(Ask(purpose, rate, seed + len(attempts))))
            keep(attempts[-1])
            if attempts[-1].outcome != "generator invalid":
                break
        return attempts[-1]

    low, high = _bracket(run, bounds)
    while low is not None and high is not None and high.rate_per_s > low * (1 + bounds.resolution):
        tried = run("narrow", math.sqrt(low * high.rate_per_s))
        low, high = (tried.rate_per_s, high) if tried.sustained else (low, tried)
    rate, steps = low, 1
    for _ in range(CONFIRMATIONS):
        if rate is None or run("confirm", rate).sustained:
            break
        lower = rate / (1 + bounds.resolution) ** steps
        rate, steps = lower if lower >= bounds.lowest else None, 2 * steps
    else:
        rate = None
    # A run that the generator could not keep up with says nothing against the pod.
    open_end = high is None or high.outcome == "generator invalid"
    return SloRate(
        rate_per_s=rate,
        not_held_per_s=min((one.rate_per_s for one in attempts if not one.sustained), default=None),
        ceiling_reached=open_end,
        attempts=tuple(attempts),
    )


def sustained(judgement: Judgement, purpose: Purpose) -> bool:
    """Whether a run counts as met: a pass; or, while searching, no term that could be judged and did not pass.

    A run of half a minute can never show an error ratio of 0.1 %, which takes 4,603 requests without an error: such a
    term only has to be without a violation. The confirmation has to pass the gate whole.
    """
    if purpose == "confirm" or judgement.outcome in ("pass", "fail", "generator invalid"):
        return judgement.outcome == "pass"
    return all(term.outcome == "pass" or term.violations == 0 for term in judgement.terms)


def _bracket(run: Callable[[Purpose, float], Attempt], bounds: Bounds) -> tuple[float | None, Attempt | None]:
    """A rate that holds and one that does not; None for the one that was not found."""
    rate = min(bounds.first, bounds.ceiling)
    tried = run("bracket", rate)
    if tried.sustained:
        while rate < bounds.ceiling:
            low, rate = rate, min(rate * _FACTOR, bounds.ceiling)
            tried = run("bracket", rate)
            if not tried.sustained:
                return low, tried
        return rate, None
    while rate > bounds.lowest:
        high, rate = tried, max(rate / _FACTOR, bounds.lowest)
        tried = run("bracket", rate)
        if tried.sustained:
            return rate, high
    return None, tried
