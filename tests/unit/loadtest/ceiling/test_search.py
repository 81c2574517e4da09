"""The search for the generator's ceiling, on a made-up generator whose ceiling is known."""

import random

import pytest

from loadtest.ceiling.record import Attempt
from loadtest.ceiling.search import RESOLUTION, highest_kept


def attempt(rate_per_s: float, late_ratio: float = 0.0, lost: int = 0) -> Attempt:
    return Attempt(
        rate_per_s=rate_per_s, starts=1_000, late_ratio=late_ratio, lag_p99_ms=1.0, lost=lost, cpu_cores=0.5,
        server_p99_ms=0.1,
    )  # fmt: skip


@pytest.mark.parametrize("true_per_s", [11.0, 120.0, 499.0, 500.0, 1_733.0, 9_000.0])
def test_finds_a_known_ceiling_within_its_resolution(true_per_s: float) -> None:
    asked: list[float] = []

    def measure(rate: float) -> Attempt:
        asked.append(rate)
        return attempt(rate, 0.0 if rate <= true_per_s else 0.05)

    best = highest_kept(measure)
    assert best is not None
    assert true_per_s / (1 + RESOLUTION) <= best.rate_per_s <= true_per_s
    assert len(asked) <= 30


def test_a_single_disturbed_run_does_not_lower_it() -> None:
    draw = random.Random(3)  # noqa: S311  # repeatable on purpose
    disturbed: set[float] = set()

    def measure(rate: float) -> Attempt:
        if rate not in disturbed and draw.random() < 0.5:
            disturbed.add(rate)
            return attempt(rate, 0.9)
        return attempt(rate, 0.0 if rate <= 2_000 else 0.05)

    best = highest_kept(measure)
    assert best is not None
    assert 2_000 / (1 + RESOLUTION) <= best.rate_per_s <= 2_000
    assert disturbed


def test_a_lost_answer_counts_as_not_kept() -> None:
    best = highest_kept(lambda rate: attempt(rate, lost=0 if rate <= 700 else 1))
    assert best is not None
    assert best.rate_per_s <= 700


def test_a_machine_that_keeps_nothing_has_no_ceiling() -> None:
    assert highest_kept(lambda rate: attempt(rate, 0.5)) is None


def test_a_machine_that_keeps_everything_ends_the_search() -> None:
    best = highest_kept(lambda rate: attempt(rate))
    assert best is not None
    assert best.rate_per_s == 100_000
