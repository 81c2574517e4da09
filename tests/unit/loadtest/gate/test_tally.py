"""Which requests count for a term, and which of them break it."""

import pytest

from loadtest.gate.slo import parse_slo
from loadtest.gate.tally import Tally, columns, tally
from loadtest.generator.answers import transport_kind
from loadtest.result import UNFINISHED, Samples

P99, ERRORS, GOODPUT, RATE = parse_slo("p99<=100ms,errors<=0.1%,goodput>=98%,goodput>=5/s")
Row = tuple[float, float | None, str | None]
"""Intended start in seconds, latency in milliseconds, error."""

FAST, SLOW, AT_BOUND = (0.0, 20.0, None), (1.0, 100.1, None), (2.0, 100.0, None)
WRONG, WRONG_AND_SLOW = (3.0, 5.0, "status 503"), (4.0, 500.0, "status 500")
TIMED_OUT = (5.0, 50.0, "timeout")


def count(term: str, *rows: Row, until_s: float | None = None) -> Tally:
    intended_s, latency_ms, error = zip(*rows, strict=True) if rows else ((), (), ())
    samples = Samples(
        intended_s=intended_s,
        lag_ms=(0.0,) * len(rows),
        latency_ms=latency_ms,
        service_ms=latency_ms,
        error=error,
    )
    return tally({"p99": P99, "errors": ERRORS, "goodput": GOODPUT, "rate": RATE}[term], columns(samples), 0.1, until_s)


def test_p99_counts_correct_answers_and_whatever_was_slow() -> None:
    assert count("p99", FAST, SLOW, AT_BOUND, WRONG, WRONG_AND_SLOW) == (4, 2)


def test_a_fast_refusal_does_not_improve_p99() -> None:
    assert count("p99", FAST, *[WRONG] * 50) == (1, 0)


def test_a_request_that_was_given_up_took_longer_than_any_bound() -> None:
    assert transport_kind(TimeoutError()) == TIMED_OUT[2]
    assert count("p99", FAST, TIMED_OUT) == (2, 1)


def test_errors_count_every_start_however_fast_its_answer() -> None:
    assert count("errors", FAST, SLOW, WRONG, WRONG_AND_SLOW, TIMED_OUT) == (5, 3)


@pytest.mark.parametrize("term", ["goodput", "rate"])
def test_goodput_wants_a_correct_answer_in_time(term: str) -> None:
    assert count(term, FAST, SLOW, AT_BOUND, WRONG, WRONG_AND_SLOW) == (5, 3)


@pytest.mark.parametrize("term", ["p99", "errors", "goodput", "rate"])
def test_a_start_the_generator_dropped_is_not_held_against_the_service(term: str) -> None:
    assert count(term, FAST, (1.0, None, "dropped: too many in flight")) == (1, 0)


@pytest.mark.parametrize("term", ["p99", "errors", "goodput", "rate"])
def test_no_requests_say_nothing(term: str) -> None:
    assert count(term) == (0, 0)


@pytest.mark.parametrize("term", ["p99", "goodput"])
def test_a_request_unfinished_after_its_bound_breaks_it_and_a_younger_one_says_nothing(term: str) -> None:
    old, young = (1.0, None, UNFINISHED), (1.95, None, UNFINISHED)
    assert count(term, FAST, old, young, until_s=2.0) == (2, 1)


def test_the_fast_among_the_last_starts_do_not_count_when_the_slow_cannot() -> None:
    # Ten starts in the last 100 ms of a run that was cut short: nine answered at once, one still under way.
    last = [(1.91 + i / 1000, 1.0, None) for i in range(9)]
    assert count("p99", *last, (1.95, None, UNFINISHED), until_s=2.0) == (0, 0)


def test_errors_are_counted_up_to_the_first_request_under_way_since_timeouts_come_late() -> None:
    under_way = (1.5, None, UNFINISHED)
    assert count("errors", FAST, (*WRONG[:1], 5.0, None), under_way, until_s=4.0) == (1, 0)
    assert count("errors", FAST, SLOW, under_way, WRONG, until_s=4.0) == (2, 0)


def test_answers_to_starts_after_the_look_do_not_count_as_their_slower_neighbours_are_missing() -> None:
    for term in ("p99", "errors", "goodput"):
        assert count(term, FAST, (3.95, 1.0, None), (4.1, 1.0, None), until_s=4.0).trials == (
            2 if term == "errors" else 1
        )


def test_in_a_whole_run_what_never_finished_is_broken() -> None:
    lost = (1.0, None, UNFINISHED)
    assert count("p99", FAST, lost) == (2, 1)
    assert count("errors", FAST, lost) == (2, 1)
    assert count("goodput", FAST, lost) == (2, 1)
