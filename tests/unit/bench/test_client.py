"""Which requests of a closed loop count."""

import math

import pytest

from tests.bench.client import measure


def test_only_answers_within_the_window_count() -> None:
    samples = [(0.0, 0.5, True), (0.5, 1.0, True), (1.0, 1.5, True), (2.5, 3.0, True)]
    found = measure(samples, begins=1.0, ends=3.0, cores=0.01)
    assert found.requests == 2
    assert found.per_s == 1.0
    assert found.p50_ms == pytest.approx(500)


def test_wrong_answers_are_errors_and_no_throughput() -> None:
    found = measure([(0.0, 0.1, True), (0.1, 0.2, False)], begins=0.0, ends=1.0, cores=0.0)
    assert (found.per_s, found.requests, found.errors) == (1.0, 2, 1)


def test_percentiles_are_of_the_nearest_rank() -> None:
    samples = [(0.0, number / 1000, True) for number in range(1, 101)]
    found = measure(samples, begins=0.0, ends=1.0, cores=0.0)
    assert (found.p50_ms, found.p99_ms, found.max_ms) == pytest.approx((50, 99, 100))


def test_no_answer_gives_no_latency() -> None:
    found = measure([], begins=0.0, ends=1.0, cores=0.0)
    assert found.per_s == 0
    assert math.isnan(found.p99_ms)
