"""The block bootstrap draws stretches, finds how long they have to be, and its intervals hold what they promise."""

import numpy as np
import pytest

from loadtest.comparison import resampling
from loadtest.comparison.resampling import Estimate, block_length, cells, interval, percentile, share
from loadtest.statistics import percentile as nearest_rank


def _autocorrelated(random: np.random.Generator, count: int, memory: float) -> resampling.Floats:
    noise = random.normal(size=count)
    series = np.empty(count)
    series[0] = noise[0] / np.sqrt(1 - memory**2)
    for i in range(1, count):
        series[i] = memory * series[i - 1] + noise[i]
    return series


def test_stretches_grow_with_what_neighbours_share() -> None:
    random = np.random.default_rng(1)
    lengths = [
        np.median([block_length(_autocorrelated(random, 1000, memory)) for _ in range(20)])
        for memory in (0.0, 0.5, 0.9, 0.97)
    ]
    assert lengths[0] <= 4
    assert lengths == sorted(lengths)
    assert lengths[-1] >= 40


@pytest.mark.parametrize("series", [np.zeros(100), np.full(100, 3.0), np.asarray([1.0, 2.0])])
def test_a_series_without_scatter_has_no_stretches(series: resampling.Floats) -> None:
    assert block_length(series) == 1


@pytest.mark.parametrize("block", [1, 3, 7, 20])
def test_every_cell_is_drawn_equally_often_and_always_with_its_neighbours(block: int) -> None:
    drawn = resampling._weights(20, block, np.random.default_rng(1))
    assert np.all(drawn.sum(axis=1) == block * np.ceil(20 / block))
    np.testing.assert_allclose(drawn.mean(axis=0), drawn.mean(), rtol=0.06)
    # Around the circle, weights rise and fall only where a stretch begins or ends.
    changes = np.abs(np.diff(drawn, axis=1, append=drawn[:, :1])).sum(axis=1)
    assert np.all(changes <= 2 * np.ceil(20 / block))


@pytest.mark.parametrize("percent", [50.0, 90.0, 99.0])
def test_a_percentile_is_the_nearest_rank_and_its_replicates_scatter_around_it(percent: float) -> None:
    random = np.random.default_rng(1)
    at_s, values = np.sort(random.uniform(0, 60, 3000)), random.lognormal(3, 0.3, 3000)
    found = percentile(cells(at_s, 60), values, percent, random)
    assert found.value == nearest_rank(sorted(values.tolist()), percent)
    assert np.median(found.replicates) == pytest.approx(found.value, rel=0.02)
    # Independent values: what the plain bootstrap, one by one, says of the scatter.
    plain = [np.percentile(random.choice(values, values.size), percent) for _ in range(400)]
    assert float(found.replicates.std()) == pytest.approx(float(np.std(plain)), rel=0.35)


def test_a_share_scatters_more_when_its_hits_come_together() -> None:
    random = np.random.default_rng(1)
    at_s = np.sort(random.uniform(0, 60, 3000))
    parts = cells(at_s, 60)
    scattered = random.random(3000) < 0.02
    together = (at_s > 30) & (at_s < 31.2)
    assert together.sum() == pytest.approx(scattered.sum(), rel=0.3)
    alone, burst = share(parts, scattered, random), share(parts, together, random)
    assert alone.value == scattered.mean()
    assert burst.replicates.std() > 3 * alone.replicates.std()
    assert burst.freedom < 5 < alone.freedom


def test_an_interval_holds_the_difference_and_widens_with_few_stretches() -> None:
    random = np.random.default_rng(1)
    replicates = random.normal(0, 1, 4000)
    many = Estimate(0.0, replicates, 200, 199), Estimate(5.0, 5 + random.normal(0, 1, 4000), 200, 199)
    few = tuple(Estimate(one.value, one.replicates, 10, 3) for one in many)
    low, high = interval(*many, 0.95)
    assert low < 5 < high
    assert high - low == pytest.approx(2 * 1.97 * np.sqrt(2), rel=0.06)
    low_few, high_few = interval(few[0], few[1], 0.95)
    assert high_few - low_few > 1.5 * (high - low)
