"""Percentiles and time series are exact."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.statistics import PERCENTILES, by_second, needed_for, percentile

LATENCIES = st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=300).map(sorted)


def test_percentiles_of_one_to_a_thousand_are_the_ranks_themselves() -> None:
    values = [float(i) for i in range(1, 1001)]
    assert [percentile(values, p) for p in PERCENTILES] == [500, 900, 950, 990, 999]


@pytest.mark.parametrize(("percent", "needed"), [(50, 2), (90, 10), (95, 20), (99, 100), (99.9, 1000)])
def test_a_percentile_is_unknown_below_the_count_at_which_it_can_differ_from_the_largest(
    percent: float, needed: int
) -> None:
    assert needed_for(percent) == needed
    values = [math.sqrt(i) for i in range(needed)]
    assert percentile(values[:-1], percent) is None
    assert percentile(values, percent) == values[math.ceil(needed * percent / 100 - 1e-9) - 1]


@given(LATENCIES, st.sampled_from(PERCENTILES))
def test_a_percentile_was_observed_and_has_its_share_at_or_below(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    if len(values) < needed_for(percent):
        assert found is None
        return
    assert found in values
    share = percent / 100 - 1e-9
    assert sum(v <= found for v in values) >= share * len(values)
    assert sum(v < found for v in values) < share * len(values) + 1


def test_latencies_a_fraction_of_a_millisecond_apart_stay_apart() -> None:
    assert percentile([100.1, 100.2, 100.3, 100.4], 50) == 100.2


@pytest.mark.parametrize("percent", [0, 100, -1, 101])
def test_refuses_a_percentile_outside_its_range(percent: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        percentile([1.0], percent)


def test_an_answer_counts_in_the_second_it_arrived_not_in_the_one_it_was_asked() -> None:
    seconds = by_second([0.9, 0.2], [300.0, 100.0], [None, None], 2)
    assert [(s.ok, s.worst_ms) for s in seconds] == [(1, 100.0), (1, 300.0)]


def test_a_second_without_answers_is_there_and_empty() -> None:
    seconds = by_second([0.0, 2.5], [10.0, 10.0], [None, None], 4)
    assert [s.ok for s in seconds] == [1, 0, 1, 0]
    assert seconds[1].p50_ms is None
    assert seconds[1].worst_ms is None


def test_answers_after_the_end_of_the_run_extend_the_series() -> None:
    assert len(by_second([0.5], [2600.0], [None], 1)) == 4


def test_errors_count_apart_and_their_latency_nowhere() -> None:
    (second,) = by_second([0.1, 0.2], [1.0, 700.0], [None, "timeout"], 1)
    assert (second.ok, second.errors, second.worst_ms) == (1, 1, 1.0)


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 5000), st.sampled_from([None, "x"])), max_size=100))
def test_no_request_is_lost_on_the_way_into_seconds(requests: list[tuple[float, float, str | None]]) -> None:
    starts, latencies, errors = ([r[i] for r in requests] for i in range(3))
    seconds = by_second(starts, latencies, errors, 10)  # type: ignore[arg-type]  # columns of mixed tuples
    assert sum(s.ok + s.errors for s in seconds) == len(requests)
