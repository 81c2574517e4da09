"""Promises about disruptions: the gap that percentiles hide, what is judged, and what must come before."""

from collections.abc import Callable

import pytest

from loadtest.disruption import Promise, judge_disruption, longest_gap_s, part
from loadtest.gate.slo import parse_slo
from loadtest.result import LoadResult
from tests.unit.loadtest.build import load_result

PROMISE = Promise(slo=parse_slo("p99<=200ms,errors<=1%"), longest_gap_s=1.0)
DISRUPTED_AT_S = 20.0
"""Of runs of 50 a second over 60 s: 1,000 requests before, 2,000 after."""


def run(
    latency_ms: Callable[[float], float] = lambda _: 20.0,
    wrong: Callable[[float], bool] = lambda _: False,
    **changes: int,
) -> LoadResult:
    starts = [i / 50 for i in range(3000)]
    return load_result(
        [latency_ms(s) for s in starts],
        ["connection reset" if wrong(s) else None for s in starts],
        intended_s=starts,
        duration_s=60.0,
        **changes,  # type: ignore[arg-type]  # counts of lost workers, which are numbers
    )


def test_a_run_that_nothing_happened_to_keeps_every_promise() -> None:
    kept = judge_disruption(run(), PROMISE, DISRUPTED_AT_S)
    assert kept.outcome == "pass"
    assert kept.requests == 2000
    assert kept.success_ratio == 1.0
    assert kept.recovered_after_s is None
    assert kept.longest_gap_s == pytest.approx(0.04, abs=0.021)


def test_a_gap_breaks_the_promise_although_share_and_p99_hold() -> None:
    late = run(latency_ms=lambda s: 20.0 if not 25.0 <= s < 26.2 else (26.2 - s) * 1000 + 20)
    generous = Promise(slo=parse_slo("p99<=5s,errors<=1%"), longest_gap_s=1.0)
    kept = judge_disruption(late, generous, DISRUPTED_AT_S)
    assert [term.outcome for term in kept.terms] == ["pass", "pass"]
    assert kept.outcome == "fail"
    assert kept.longest_gap_s == pytest.approx(1.24, abs=0.03)
    assert "nobody got a correct answer" in kept.reason


def test_errors_beyond_the_share_break_it_and_recovery_is_the_last_of_them() -> None:
    kept = judge_disruption(run(wrong=lambda s: 21.0 <= s < 22.5 and int(s * 50) % 2 == 0), PROMISE, DISRUPTED_AT_S)
    assert kept.outcome == "fail"
    assert kept.errors_by_kind == {"connection reset": 38}
    assert kept.recovered_after_s == pytest.approx(2.48, abs=0.03)


def test_what_went_wrong_before_the_disruption_is_not_its_fault_but_voids_the_run() -> None:
    kept = judge_disruption(run(wrong=lambda s: 8.0 <= s < 12.0), PROMISE, DISRUPTED_AT_S)
    assert kept.success_ratio == 1.0
    assert kept.outcome == "not enough data"
    assert "not steady before the disruption" in kept.reason
    assert kept.steady_before is None  # nobody was answered in one of its windows


def test_a_lost_worker_of_the_generator_is_never_the_service_s_failure() -> None:
    kept = judge_disruption(run(wrong=lambda s: s > 30, workers_lost=1), PROMISE, DISRUPTED_AT_S)
    assert kept.outcome == "generator invalid"


def test_too_few_requests_show_nothing() -> None:
    starts = [i / 5 for i in range(300)]
    few = load_result([20.0] * 300, intended_s=starts, duration_s=60.0)
    assert judge_disruption(few, PROMISE, DISRUPTED_AT_S).outcome == "not enough data"


def test_a_service_that_never_comes_back_has_a_gap_to_the_end() -> None:
    assert longest_gap_s(run(wrong=lambda s: s >= 50)) == pytest.approx(10.0, abs=0.05)
    assert longest_gap_s(run(wrong=lambda _: True)) == 60.0


def test_a_part_counts_from_its_own_beginning() -> None:
    middle = part(run(), 20.0, 30.0)
    assert middle.counts.intended == 500
    assert middle.duration_s == 10.0
    assert middle.samples.intended_s[0] == 0.0
    assert middle.throughput_per_s == pytest.approx(50, abs=0.2)


def test_a_promise_that_held_is_kept_although_the_end_is_not_steady_yet() -> None:
    slowing = run(latency_ms=lambda s: 20.0 if s < DISRUPTED_AT_S else 20.0 + (s - DISRUPTED_AT_S) * 4)
    kept = judge_disruption(slowing, PROMISE, DISRUPTED_AT_S)
    assert kept.steady_before is True
    assert kept.steady_at_end is False
    assert kept.outcome == "pass"
