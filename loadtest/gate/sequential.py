"""Deciding while a run is still going: a rule that stays valid however often one looks. Pure.

Looking again and again with the rule of `loadtest.gate.stopping` and stopping at the first pass would let bad services
through far more often than its 1 %. This one is a test by betting: the likelihood of what was counted, averaged over
every share on one side of the bound, divided by its likelihood at the bound itself. Whatever the true share on the
other side, that ratio is a supermartingale, so that it ever exceeds 1 / alpha has a probability of at most alpha
(Ville's inequality; Robbins' mixture of likelihoods, with a uniform prior cut at the bound).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, log1p, xlog1py, xlogy  # type: ignore[import-untyped]  # scipy ships no types
from scipy.stats import beta  # type: ignore[import-untyped]  # as above

from loadtest.gate.slo import SloTerm, latency_bound_s
from loadtest.gate.stopping import allowed_ratio
from loadtest.gate.tally import columns, tally
from loadtest.result import Samples
from lookout import contract


def decided(
    trials: int, violations: int, term: SloTerm, intended_per_s: float | None = None
) -> Literal["pass", "fail"] | None:
    """What so many violations among so many settled requests prove, None as long as they prove nothing.

    At most 1 % of services at the bound or beyond ever pass, and at most 1 % of those within it ever fail, over all
    looks together. Feed it counts in which no request was left out because it is still under way: `decided_so_far`
    does. ValueError as for needed_requests.
    """
    allowed = allowed_ratio(term, intended_per_s)
    if not 0 < allowed < 1:
        raise ValueError(f"no number of requests shows that a share of {allowed:g} may break a promise")
    (sign,) = decisions([trials], [violations], allowed)
    if sign == 0:
        return None
    return "pass" if sign > 0 else "fail"


def decided_so_far(
    samples: Samples, slo: Sequence[SloTerm], until_s: float, intended_per_s: float
) -> Literal["pass", "fail"] | None:
    """A look at a run at `until_s` on its own clock: fail when one term has failed, pass when every term has passed.

    `samples` must hold each start that was due by then, unfinished ones included, as `Recording.samples` makes them
    from the schedule.
    """
    run = columns(samples)
    bound_s = latency_bound_s(tuple(slo))
    found = [decided(*tally(term, run, bound_s, until_s), term, intended_per_s) for term in slo]
    if "fail" in found:
        return "fail"
    return "pass" if found and all(decision == "pass" for decision in found) else None


def decisions(trials: ArrayLike, violations: ArrayLike, allowed: float) -> NDArray[np.int8]:
    """The same for many looks at once: 1 pass, -1 fail, 0 undecided, one entry a look."""
    n, t = np.asarray(trials, dtype=float), np.asarray(violations, dtype=float)
    at_bound = xlogy(t, allowed) + xlog1py(n - t, -allowed)
    whole = betaln(t + 1, n - t + 1)
    wanted = -np.log(1 - contract.SLO_CONFIDENCE)
    below = whole + beta.logcdf(allowed, t + 1, n - t + 1) - np.log(allowed) - at_bound
    above = whole + beta.logsf(allowed, t + 1, n - t + 1) - log1p(-allowed) - at_bound
    decision = np.zeros(n.shape, dtype=np.int8)
    decision[below >= wanted] = 1
    decision[above >= wanted] = -1
    return decision
