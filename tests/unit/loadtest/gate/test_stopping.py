"""How many requests a verdict takes, held against MLPerf's table and against many simulated runs."""

import numpy as np
import pytest
from scipy.stats import beta  # type: ignore[import-untyped]  # scipy ships no types

from loadtest.gate.slo import SloTerm, parse_slo
from loadtest.gate.stopping import (
    allowed_ratio,
    bounds,
    needed_for_ratio,
    needed_requests,
    passes,
    recommended_requests,
)

P99, ERRORS, GOODPUT, RATE = parse_slo("p99<=100ms,errors<=0.1%,goodput>=98%,goodput>=45/s")
RUNS = 20_000
"""Simulated runs a case: a share of 1 % is then known to within 0.07 points (one standard deviation)."""


@pytest.mark.parametrize(
    ("violations", "needed"), [(0, 459), (1, 662), (5, 1_307), (10, 2_010), (50, 6_898), (100, 12_571)]
)
def test_p99_needs_the_counts_of_mlperfs_table(violations: int, needed: int) -> None:
    assert needed_requests(P99, violations) == needed
    assert passes(needed, violations, 0.01)
    assert not passes(needed - 1, violations, 0.01)


@pytest.mark.parametrize(("violations", "needed"), [(0, 90), (1, 130), (5, 259), (10, 398), (50, 1_372), (100, 2_504)])
def test_a_share_of_five_percent_needs_the_counts_of_mlperfs_p95(violations: int, needed: int) -> None:
    assert needed_for_ratio(0.05, violations) == needed


def test_an_error_ratio_of_a_thousandth_needs_4603_clean_requests() -> None:
    assert needed_requests(ERRORS) == 4_603


def test_goodput_permits_what_is_left_over() -> None:
    assert allowed_ratio(GOODPUT) == 0.02
    assert allowed_ratio(RATE, intended_per_s=50) == 0.1
    assert needed_requests(RATE, intended_per_s=50) == needed_for_ratio(0.1, 0)


@pytest.mark.parametrize("intended_per_s", [45.0, 30.0, 0.0])
def test_a_rate_that_was_never_asked_for_cannot_be_shown(intended_per_s: float) -> None:
    assert allowed_ratio(RATE, intended_per_s) == 0
    with pytest.raises(ValueError, match="no number of requests"):
        needed_requests(RATE, intended_per_s=intended_per_s)


def test_a_goodput_rate_needs_the_intended_rate() -> None:
    with pytest.raises(ValueError, match="intended rate"):
        needed_requests(RATE)


@pytest.mark.parametrize(("trials", "violations"), [(1, 0), (459, 0), (1_000, 7), (1_000, 40), (5, 5)])
def test_the_bounds_agree_with_the_rule_that_passes(trials: int, violations: int) -> None:
    lower, upper = bounds(trials, violations)
    assert 0 <= lower <= violations / trials <= upper <= 1
    assert passes(trials, violations, 0.01) == (upper <= 0.01)


@pytest.mark.parametrize("term", [P99, ERRORS, GOODPUT], ids=["p99", "errors", "goodput"])
@pytest.mark.parametrize("length", ["needed", "recommended"])
def test_at_most_one_run_in_a_hundred_passes_with_the_true_share_exactly_at_the_bound(
    term: SloTerm, length: str
) -> None:
    trials = needed_requests(term) if length == "needed" else recommended_requests(term)
    share = _passing(term, trials, times_bound=1)
    assert share <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / RUNS)
    assert share > 0  # the rule does not simply refuse everything


@pytest.mark.parametrize("term", [P99, ERRORS, GOODPUT], ids=["p99", "errors", "goodput"])
def test_nine_in_ten_runs_of_the_recommended_length_pass_with_half_the_violations_and_longer_ones_too(
    term: SloTerm,
) -> None:
    recommended = recommended_requests(term)
    for trials in (recommended, recommended + needed_requests(term) // 4, recommended * 2):
        assert _passing(term, trials, times_bound=0.5) >= 0.9 - 3 * np.sqrt(0.09 / RUNS)


@pytest.mark.parametrize("term", [P99, ERRORS, GOODPUT], ids=["p99", "errors", "goodput"])
def test_nearly_all_runs_of_the_recommended_length_fail_with_twice_the_violations(term: SloTerm) -> None:
    trials, allowed = recommended_requests(term), allowed_ratio(term)
    failing = next(t for t in range(trials) if bounds(trials, t)[0] > allowed)
    drawn = np.random.default_rng(3).binomial(trials, 2 * allowed, RUNS)
    assert (drawn >= failing).mean() >= 0.99
    at_bound = np.random.default_rng(4).binomial(trials, allowed, RUNS)
    assert (at_bound >= failing).mean() <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / RUNS)


def test_the_shortest_run_passes_only_without_a_violation_so_it_is_not_the_recommended_one() -> None:
    # 459 requests with half the violations p99 permits: (1 - 0.005) ** 459 = 0.10 pass.
    assert 0.08 < _passing(P99, 459, times_bound=0.5) < 0.12
    assert recommended_requests(P99) == 4_169
    assert recommended_requests(ERRORS) == 42_968


def _passing(term: SloTerm, trials: int, times_bound: float) -> float:
    """Share of simulated runs that pass, with the true share of violations at a multiple of the permitted one."""
    allowed = allowed_ratio(term)
    drawn = np.random.default_rng(2).binomial(trials, times_bound * allowed, RUNS)
    passing = {t for t in np.unique(drawn).tolist() if passes(trials, t, allowed)}
    return float(np.isin(drawn, list(passing)).mean())


@pytest.mark.parametrize(("trials", "violations"), [(1, 1), (10, 0), (459, 0), (2_000, 19), (2_000_000, 1_999)])
def test_bounds_are_those_of_scipys_beta_distribution(trials: int, violations: int) -> None:
    lower, upper = bounds(trials, violations)
    assert lower == pytest.approx(beta.ppf(0.01, violations, trials - violations + 1) if violations else 0, abs=1e-9)
    most = beta.ppf(0.99, violations + 1, trials - violations) if violations < trials else 1
    assert upper == pytest.approx(most, abs=1e-9)
