"""Looking at a run again and again: the decisions must stay as rarely wrong as those of one look at its end."""

import numpy as np
import pytest
from numpy.typing import NDArray

from loadtest.gate.sequential import decided, decided_so_far, decisions
from loadtest.gate.slo import parse_slo
from loadtest.gate.stopping import passes
from loadtest.result import UNFINISHED, Samples

P99, ERRORS, RATE = parse_slo("p99<=100ms,errors<=0.1%,goodput>=45/s")
RUNS, LOOKS, BATCH = 1_000, 200, 50
"""A look after every fifty requests, up to 10,000."""
NOISE = 3 * np.sqrt(0.01 * 0.99 / RUNS)


def test_a_clean_run_passes_early_and_a_broken_one_fails_at_once() -> None:
    assert decided(643, 0, P99) is None
    assert decided(644, 0, P99) == "pass"
    assert decided(6_480, 0, ERRORS) == "pass"
    assert decided(0, 0, P99) is None
    assert decided(100, 6, P99) is None
    assert decided(100, 7, P99) == "fail"
    assert decided(50, 50, P99) == "fail"
    assert decided(200, 100, RATE, intended_per_s=50) == "fail"


def test_a_rate_that_was_never_asked_for_is_no_decision_to_make() -> None:
    with pytest.raises(ValueError, match="no number of requests"):
        decided(100, 0, RATE, intended_per_s=40)


@pytest.mark.parametrize("times", [1.0, 1.25])
def test_at_most_one_run_in_a_hundred_ever_passes_at_or_beyond_the_bound_over_two_hundred_looks(times: float) -> None:
    assert (_ends(0.01 * times) == 1).mean() <= 0.01 + NOISE


@pytest.mark.parametrize("times", [1.0, 0.8])
def test_at_most_one_run_in_a_hundred_ever_fails_at_or_within_the_bound(times: float) -> None:
    assert (_ends(0.01 * times) == -1).mean() <= 0.01 + NOISE


def test_half_the_violations_pass_and_twice_as_many_fail_within_ten_thousand_requests() -> None:
    assert (_ends(0.005) == 1).mean() >= 0.95
    assert (_ends(0.02) == -1).mean() >= 0.99


def test_the_rule_of_one_look_would_let_a_bad_service_through_far_more_often() -> None:
    trials, violations = _counts(0.01)
    small = {(n, t): passes(n, t, 0.01) for n in np.unique(trials).tolist() for t in range(int(n * 0.012) + 1)}
    ever = [
        any(small.get(look, False) for look in zip(n, t, strict=True)) for n, t in zip(trials, violations, strict=True)
    ]
    assert np.mean(ever) > 0.04


def test_a_look_at_a_run_fails_with_one_term_and_passes_only_with_all() -> None:
    clean, late = _samples(700, error=None), _samples(700, error="timeout")
    assert decided_so_far(clean, (P99,), 10.0, 70) == "pass"
    assert decided_so_far(clean, (P99, ERRORS), 10.0, 70) is None
    assert decided_so_far(late, (ERRORS, P99), 10.0, 70) == "fail"
    assert decided_so_far(clean, (), 10.0, 70) is None


def test_a_look_counts_requests_under_way_as_slow_once_they_are() -> None:
    under_way = _samples(700, error=UNFINISHED)
    assert decided_so_far(under_way, (P99,), 10.0, 70) == "fail"
    assert decided_so_far(under_way, (P99,), 0.05, 70) is None


def _samples(count: int, error: str | None) -> Samples:
    """Fast answers over ten seconds, every tenth start with an error."""
    kinds = tuple(error if i % 10 == 9 else None for i in range(count))
    latency = tuple(None if kind == UNFINISHED else 20.0 for kind in kinds)
    starts = tuple(i * 10 / count for i in range(count))
    return Samples(intended_s=starts, lag_ms=(0.0,) * count, latency_ms=latency, service_ms=latency, error=kinds)


def _counts(share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    violations = np.random.default_rng(5).binomial(BATCH, share, (RUNS, LOOKS)).cumsum(axis=1)
    return np.broadcast_to(np.arange(1, LOOKS + 1) * BATCH, violations.shape), violations


def _ends(share: float) -> NDArray[np.int8]:
    """The first decision of each run, 0 where there was none."""
    decision = decisions(*_counts(share), 0.01)
    first = np.argmax(decision != 0, axis=1)
    ends: NDArray[np.int8] = decision[np.arange(RUNS), first]
    return ends
