"""What the requests of a closed loop come to."""

import math

import pytest

from tests.bench.client import Sample, Seen, measure


def _seen(*samples: tuple[float, float, bool], seconds: float = 1.0, client_s: float = 0.0) -> Seen:
    return Seen([Sample(*one) for one in samples], seconds, client_s)


def test_several_whiles_count_as_one() -> None:
    found = measure(
        [
            _seen((0.0, 0.5, True), (0.5, 1.0, True), seconds=1.0, client_s=0.1),
            _seen((7.0, 7.25, True), seconds=2.0, client_s=0.2),
        ]
    )
    assert (found.requests, found.per_s) == (3, 1.0)
    assert found.p50_ms == pytest.approx(500)
    assert found.cores == pytest.approx(0.1)


def test_wrong_answers_are_errors_and_no_throughput() -> None:
    found = measure([_seen((0.0, 0.1, True), (0.1, 0.2, False))])
    assert (found.per_s, found.requests, found.errors) == (1.0, 2, 1)


def test_percentiles_are_of_the_nearest_rank() -> None:
    found = measure([_seen(*((0.0, number / 1000, True) for number in range(1, 101)))])
    assert (found.p50_ms, found.p99_ms, found.max_ms) == pytest.approx((50, 99, 100))


def test_no_answer_gives_no_latency() -> None:
    found = measure([_seen()])
    assert found.per_s == 0
    assert math.isnan(found.p99_ms)
