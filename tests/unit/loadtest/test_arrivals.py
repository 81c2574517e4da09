"""Schedules have the rate and the randomness they claim, the same for the same seed, and shares that add up."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import chisquare, kstest  # type: ignore[import-untyped]  # scipy ships no types

from loadtest.arrivals import Closed, Constant, Diurnal, Hold, Open, Poisson, Ramp, Replay, Spike, Steps, share

KINDS: list[Open] = [
    Constant(rate=50),
    Poisson(rate=50),
    Ramp(rate=10, to_rate=90, over_s=40),
    Ramp(rate=90, to_rate=0, over_s=40),
    Steps(steps=(Hold(rate=10, for_s=10), Hold(rate=0, for_s=5), Hold(rate=80, for_s=10))),
    Spike(rate=20, peak=100, at_s=15, for_s=10),
    Diurnal(rate=5, peak=80, period_s=20),
]
NAMES = [f"{kind.kind}-{i}" for i, kind in enumerate(KINDS)]
each = pytest.mark.parametrize("arrivals", KINDS, ids=NAMES)


@pytest.mark.parametrize("seed", [1, 7, 2026])
def test_gaps_of_poisson_arrivals_are_exponential(seed: int) -> None:
    times = Poisson(rate=50).times(400, seed)
    gaps = np.diff(times, prepend=0)
    assert kstest(gaps, "expon", args=(0, 1 / 50)).pvalue > 0.01


def test_the_test_of_gaps_tells_even_ones_apart() -> None:
    gaps = np.diff(Constant(rate=50).times(400, 1))
    assert kstest(gaps, "expon", args=(0, 1 / 50)).pvalue < 1e-6


def test_numbers_of_poisson_arrivals_scatter_as_their_mean() -> None:
    counts = np.array([len(Poisson(rate=20).times(10, seed)) for seed in range(400)])
    assert counts.mean() == pytest.approx(200, abs=4 * math.sqrt(200 / 400))
    assert counts.var() == pytest.approx(200, rel=4 * math.sqrt(2 / 400))


@pytest.mark.parametrize("arrivals", KINDS[1:], ids=NAMES[1:])
@pytest.mark.parametrize("seed", [1, 7])
def test_random_arrivals_follow_their_curve(arrivals: Open, seed: int) -> None:
    """Rescaled by the integral of the rate, every kind is a Poisson process of rate one: the time-rescaling theorem."""
    times = arrivals.times(40, seed)
    gaps = np.diff(arrivals.expected(times), prepend=0)
    assert kstest(gaps, "expon").pvalue > 0.005


@each
def test_the_expected_number_is_the_integral_of_the_rate(arrivals: Open) -> None:
    steps = np.linspace(0, 40, 400_001)
    middles = (steps[1:] + steps[:-1]) / 2
    summed = sum(arrivals.rate_at(float(t)) for t in middles[::10]) * 40 / len(middles[::10])
    assert float(arrivals.expected(np.array([40.0]))[0]) == pytest.approx(summed, rel=1e-3)


@each
def test_the_same_seed_gives_the_same_ascending_schedule_within_the_run(arrivals: Open) -> None:
    times = arrivals.times(40, 3)
    assert np.array_equal(times, arrivals.times(40, 3))
    assert np.all(np.diff(times) >= 0)
    assert times[0] >= 0
    assert times[-1] < 40


def test_another_seed_gives_another_schedule() -> None:
    assert not np.array_equal(Poisson(rate=50).times(10, 1)[:100], Poisson(rate=50).times(10, 2)[:100])


def test_a_constant_rate_is_exact() -> None:
    assert Constant(rate=3).times(2, 1).tolist() == [0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3]
    assert len(Constant(rate=0.1).times(30, 1)) == 3
    assert len(Constant(rate=1000).times(60, 1)) == 60_000


def test_even_steps_have_exactly_their_numbers() -> None:
    arrivals = Steps(steps=(Hold(rate=10, for_s=2), Hold(rate=30, for_s=1)), spacing="even")
    times = arrivals.times(4, 1)
    counts, _ = np.histogram(times + 1e-9, bins=[0, 1, 2, 3, 4])
    assert counts.tolist() == [10, 10, 30, 30]  # the last step holds on


def test_an_even_ramp_grows_in_a_straight_line() -> None:
    times = Ramp(rate=0, to_rate=100, over_s=10, spacing="even").times(12, 1)
    counts, _ = np.histogram(times, bins=range(13))
    assert counts[:10].tolist() == pytest.approx([5 + 10 * i for i in range(10)], abs=1)
    assert counts[10:].tolist() == pytest.approx([100, 100], abs=1)


def test_a_spike_is_high_only_while_it_lasts() -> None:
    counts, _ = np.histogram(Spike(rate=10, peak=100, at_s=2, for_s=3, spacing="even").times(8, 1) + 1e-9, range(9))
    assert counts.tolist() == pytest.approx([10, 10, 100, 100, 100, 10, 10, 10], abs=1)


def test_a_day_is_quiet_at_night_and_its_hours_follow_the_sine() -> None:
    arrivals = Diurnal(rate=10, peak=110, period_s=240)
    assert (arrivals.rate_at(0), arrivals.rate_at(120)) == (10, 110)
    hours = np.arange(0, 241, 10.0)
    wanted = np.diff(arrivals.expected(hours))
    found, _ = np.histogram(arrivals.times(240, 5), hours)
    assert chisquare(found, wanted * found.sum() / wanted.sum()).pvalue > 0.01


def test_a_trace_is_replayed_to_the_letter() -> None:
    arrivals = Replay(trace="t.csv", times_s=(0.0, 0.5, 0.5, 2.0))
    assert arrivals.times(10, 1).tolist() == [0, 0.5, 0.5, 2]
    assert arrivals.times(2, 1).tolist() == [0, 0.5, 0.5]
    assert arrivals.rate_at(0.5) == 3


@given(st.integers(0, 500), st.integers(1, 9))
def test_shares_add_up_to_the_whole_and_differ_by_one_at_most(count: int, workers: int) -> None:
    shares = [share(count, worker, workers) for worker in range(workers)]
    assert sorted(index for one in shares for index in one) == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(("worker", "workers"), [(2, 2), (-1, 2), (0, 0)])
def test_refuses_a_share_that_nobody_has(worker: int, workers: int) -> None:
    with pytest.raises(ValueError, match="count from 0"):
        share(10, worker, workers)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Constant, {"rate": 0}),
        (Poisson, {"rate": -1}),
        (Poisson, {"rate": math.inf}),
        (Ramp, {"rate": 1, "to_rate": 2, "over_s": 0}),
        (Steps, {"steps": ()}),
        (Diurnal, {"rate": 10, "peak": 5, "period_s": 60}),
        (Spike, {"rate": 1, "peak": 5, "at_s": -1, "for_s": 1}),
        (Replay, {"trace": "t", "times_s": ()}),
        (Closed, {"users": 0}),
    ],
)
def test_refuses_impossible_arrivals(kind: type[Open], fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(fields)
