"""The population stability index and its window: what counts as drift, and when there is nothing to say yet."""

import math

import numpy as np
import pytest

from lookout import contract
from service import drift
from service.drift import Window


def test_equal_shares_have_no_drift() -> None:
    assert drift.psi([100, 200, 700], [10, 20, 70]) == pytest.approx(0, abs=0.01)


def test_the_index_is_the_symmetric_divergence_of_the_shares() -> None:
    """By hand, with so many counts that the half added to each does not show."""
    p, q = (0.5, 0.5), (0.8, 0.2)
    expected = sum((new - old) * math.log(new / old) for old, new in zip(p, q, strict=True))
    counted = drift.psi([int(share * 1e7) for share in p], [int(share * 1e7) for share in q])
    assert counted == pytest.approx(expected, rel=1e-5)
    assert counted == pytest.approx(0.416, abs=0.001)
    assert drift.psi([8, 2], [5, 5]) == pytest.approx(drift.psi([5, 5], [8, 2]))


def test_a_bin_that_was_empty_gives_a_large_index_not_an_infinite_one() -> None:
    assert 1 < drift.psi([0, 500], [500, 0]) < 20


def test_chance_makes_the_index_that_it_is_said_to_make() -> None:
    draw = np.random.default_rng(7)
    shares = [0.1, 0.2, 0.3, 0.25, 0.15]
    sizes = (400, 300)
    pairs = [[draw.multinomial(size, shares).tolist() for size in sizes] for _ in range(2_000)]
    mean = np.mean([drift.psi(*pair) for pair in pairs])
    assert mean == pytest.approx(drift.by_chance(*pairs[0]), rel=0.06)


def test_what_counts_as_drift_is_not_made_by_chance() -> None:
    """As few counts as are let through, of one and the same distribution, a thousand times."""
    draw = np.random.default_rng(8)
    bins, reference = 7, 520
    least = math.ceil(1 / (drift.MOST_BY_CHANCE / (bins - 1) - 1 / reference))
    shares = np.full(bins, 1 / bins)
    scores = [
        drift.score(draw.multinomial(reference, shares).tolist(), draw.multinomial(least, shares).tolist())
        for _ in range(1_000)
    ]
    known = [score for score in scores if score is not None]
    assert len(known) == 1_000
    assert sum(score > contract.DRIFT_PSI for score in known) <= 2


@pytest.mark.parametrize(("reference", "counts"), [([0, 0], [900, 900]), ([900, 900], [0, 0]), ([900], [900])])
def test_there_is_no_score_of_nothing(reference: list[int], counts: list[int]) -> None:
    assert drift.score(reference, counts) is None


def test_there_is_no_score_of_a_few() -> None:
    assert drift.score([5000, 5000], [10, 9]) is None
    assert drift.score([5000, 5000], [100, 90]) is not None


def test_the_window_forgets_after_an_hour() -> None:
    window = Window({"brightness": 2})
    window.add(0.0, {"brightness": [0]})
    window.add(1_800.0, {"brightness": [1]})
    assert (window.photos(3_500.0), window.counts(3_500.0)) == (2, {"brightness": [1, 1]})
    assert (window.photos(3_700.0), window.counts(3_700.0)) == (1, {"brightness": [0, 1]})
    assert (window.photos(9_999.0), window.counts(9_999.0)) == (0, {"brightness": [0, 0]})


def test_the_window_takes_the_same_memory_however_many_photos_come() -> None:
    window = Window({"brightness": 2, "score": 3})
    for number in range(20_000):
        window.add(number * 1.0, {"brightness": [number % 2], "score": [0, 2]})
    assert len(window._slots) == 60
    assert window.photos(19_999.0) == pytest.approx(3_600, abs=60)
