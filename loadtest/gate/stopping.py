"""How many requests a promise takes to prove: the binomial arithmetic behind every verdict. Pure.

The rule is MLPerf Inference's early stopping: with t violations among n requests a promise that at most a share p
breaks the bound holds at confidence c when P[Binomial(n, p) <= t] <= 1 - c. The count n is to be fixed before the run,
and the run judged once; `sequential.py` is for looking again and again. Requests count as independent, so a run
must be longer than whatever comes and goes in it (a stall every ten seconds wants minutes).
"""

from functools import lru_cache
from typing import Final

from scipy.special import bdtr, betaincinv  # type: ignore[import-untyped]  # no types; scipy.stats takes a second

from loadtest.gate.slo import SloTerm
from lookout import contract

_POWER: Final = 0.9
"""How often a service with half the permitted violations shall pass at the recommended length."""
P99_RATIO: Final = 0.01


def allowed_ratio(term: SloTerm, intended_per_s: float | None = None) -> float:
    """The share of requests that may break the term, between 0 and 1.

    A goodput in requests a second permits what the intended rate leaves over, which `intended_per_s` must give
    (ValueError without); 0 where even a run without a fault would miss it.
    """
    if term.measure == "p99":
        return P99_RATIO
    if term.measure == "errors":
        return term.bound
    if term.measure == "goodput":
        return round(1 - term.bound, 12)  # 1 - 0.98 is 0.020000000000000018 in floating point
    if intended_per_s is None:
        raise ValueError("a goodput in requests a second can only be judged against an intended rate")
    return max(0.0, round(1 - term.bound / intended_per_s, 12)) if intended_per_s > 0 else 0.0


def needed_requests(term: SloTerm, violations: int = 0, intended_per_s: float | None = None) -> int:
    """The smallest number of requests of which `violations` may break the term, and it still passes.

    ValueError where nothing may break it: then no number of requests is enough.
    """
    return needed_for_ratio(allowed_ratio(term, intended_per_s), violations)


def recommended_requests(term: SloTerm, intended_per_s: float | None = None) -> int:
    """How long a run should be: from here on a service with half the permitted violations passes 9 times in 10.

    About nine times the minimum, which only a service without any violation passes: 4,169 requests for p99, 42,968
    for an error ratio of 0.1 %. ValueError as for needed_requests.
    """
    return _recommended(allowed_ratio(term, intended_per_s))


@lru_cache(maxsize=256)
def needed_for_ratio(allowed: float, violations: int) -> int:
    """The smallest n with P[Binomial(n, allowed) <= violations] <= 1 - confidence."""
    if not 0 < allowed < 1:
        raise ValueError(f"no number of requests shows that a share of {allowed:g} may break a promise")
    low, high = violations, violations + 1
    while not passes(high, violations, allowed):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle, violations, allowed) else (middle, high)
    return high


def passes(trials: int, violations: int, allowed: float) -> bool:
    """Whether so few violations would be unlikely (1 % at most) if the promise did not hold."""
    return trials > violations and float(bdtr(violations, trials, allowed)) <= _alpha()


def bounds(trials: int, violations: int) -> tuple[float, float]:
    """Clopper and Pearson's lower and upper bound on the share of violations, each one-sided at the confidence."""
    lower = float(betaincinv(violations, trials - violations + 1, _alpha())) if violations else 0.0
    upper = float(betaincinv(violations + 1, trials - violations, 1 - _alpha())) if violations < trials else 1.0
    return lower, upper


@lru_cache(maxsize=64)
def _recommended(allowed: float) -> int:
    # Between needed(t) and needed(t + 1) the run gets longer and may still break the bound only t times, so its chance
    # falls: the whole tooth must be above the power, and teeth rise from one to the next.
    violations = 0
    while bdtr(violations, needed_for_ratio(allowed, violations + 1) - 1, allowed / 2) < _POWER:
        violations += 1
    return needed_for_ratio(allowed, violations)


def _alpha() -> float:
    return 1 - contract.SLO_CONFIDENCE
