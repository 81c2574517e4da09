"""Percentiles are exact."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.statistics import PERCENTILES, needed_for, percentile

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
