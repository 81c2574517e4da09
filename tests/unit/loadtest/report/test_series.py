"""What plots are drawn from agrees with the raw samples, and stays small however many there are."""

import numpy as np
import pytest

from loadtest.report.series import buckets, columns, rarity_curve, visible_dots
from loadtest.result import Samples
from loadtest.statistics import percentile


def test_columns_keep_what_is_missing_as_missing() -> None:
    table = columns(
        Samples(
            intended_s=(0.0, 1.0),
            lag_ms=(0.5, None),
            latency_ms=(500.0, None),
            service_ms=(499.5, None),
            error=(None, "dropped: full"),
        )
    )
    assert table.ok.tolist() == [True, False]
    assert np.isnan(table.lag_ms[1])
    assert table.arrived_s[0] == 0.5


@pytest.mark.parametrize(
    ("duration_s", "width_s"), [(0.1, 0.1), (10, 0.1), (19, 0.1), (20, 1), (60, 1), (300, 2), (3600, 30), (86_400, 600)]
)
def test_a_run_has_at_most_two_hundred_parts_of_a_round_length(duration_s: float, width_s: float) -> None:
    parts = buckets(duration_s)
    assert parts.width_s == width_s
    assert parts.count <= 200
    assert parts.edges_s[-1] == pytest.approx(duration_s, abs=width_s)


def test_percentiles_of_each_part_are_nearest_rank() -> None:
    random = np.random.default_rng(1)
    at_s, values = random.uniform(0, 60, 6000), random.lognormal(3, 1, 6000)
    parts = buckets(60)
    table = parts.percentiles(at_s, values, (50, 99, 100))
    for part in (0, 17, 59):
        inside = np.sort(values[(at_s >= part) & (at_s < part + 1)])
        assert table[0, part] == percentile(inside.tolist(), 50)
        assert table[1, part] == inside[int(np.ceil(0.99 * inside.size)) - 1]
        assert table[2, part] == inside[-1]


def test_an_empty_part_has_no_percentile_and_a_rate_of_zero() -> None:
    parts = buckets(20)
    at_s = np.asarray([0.5, 2.5])
    assert np.isnan(parts.percentiles(at_s, at_s, (50,))[0, 1])
    assert parts.per_second(at_s)[:3].tolist() == [1, 0, 1]


@pytest.mark.parametrize("count", [1, 2, 399, 401, 100_000])
def test_a_percentile_curve_keeps_its_largest_value_and_its_shape(count: int) -> None:
    values = np.random.default_rng(1).lognormal(3, 1, count)
    rarity, shown = rarity_curve(values)
    assert shown.size <= 400
    assert shown[-1] == values.max()
    assert np.all(np.diff(rarity) > 0)
    assert np.all(np.diff(shown) >= 0)
    if count > 1000:
        assert np.interp(100, rarity, shown) == pytest.approx(np.percentile(values, 99), rel=0.02)


def test_of_dots_on_one_spot_one_is_drawn_and_none_that_stands_alone_is_lost() -> None:
    x = np.append(np.zeros(50_000), 10.0)
    y = np.append(np.tile([1.0, 2.0], 25_000), 3.0)
    shown = set(zip(*(column.tolist() for column in visible_dots(x, y)), strict=True))
    assert shown == {(0.0, 1.0), (0.0, 2.0), (10.0, 3.0)}
