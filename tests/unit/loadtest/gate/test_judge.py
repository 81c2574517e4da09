"""The verdict: precedence, arithmetic in words, and how often it is wrong over many simulated runs."""

from typing import Any

import numpy as np
import pytest

from loadtest.gate.judge import generator_faults, judge
from loadtest.gate.slo import parse_slo
from loadtest.gate.stopping import needed_requests, recommended_requests
from loadtest.gate.verdict import EXIT_CODES, Outcome
from loadtest.result import UNFINISHED, LoadResult
from tests.unit.loadtest.build import load_result

P99 = parse_slo("p99<=100ms")
SLO = parse_slo("p99<=100ms,errors<=1%")


def run(count: int, slow: int = 0, wrong: int = 0, **more: Any) -> LoadResult:
    """Fast answers of about 25 ms, with slow and wrong ones spread among them."""
    latency: list[float | None] = [25.0 + i % 3 for i in range(count)]
    error: list[str | None] = [None] * count
    for k in range(slow):
        latency[(k * count) // slow] = 250.0
    for k in range(wrong):
        error[(k * count) // wrong + 1] = "status 503"
    return load_result(latency, error, **more)


def test_a_clean_run_of_459_requests_passes_and_one_of_458_has_not_enough_data() -> None:
    passed = judge(run(459), P99)
    assert passed.outcome == "pass"
    assert passed.exit_code == EXIT_CODES["pass"] == 0
    assert passed.confidence == 0.99
    (reason,) = passed.reasons
    assert reason.startswith("every term passed, in steady state: over the last three windows of 2.0 s throughput was")
    short = judge(run(458), P99)
    assert short.outcome == "not enough data"
    assert short.exit_code == 2
    assert short.terms[0].needed == 459


def test_the_arithmetic_is_spelled_out() -> None:
    (term,) = judge(run(2_010, slow=10), P99).terms
    assert term.arithmetic == (
        "10 of 2,010 requests took longer than 100 ms; "
        "with 10 of them 2,010 requests show at 99% confidence that at most 1 % do: pass"
    )
    assert (term.trials, term.violations, term.needed, term.allowed_ratio) == (2_010, 10, 2_010, 0.01)
    assert term.observed == "27.0 ms"
    assert term.lower_ratio < 10 / 2_010 < term.upper_ratio <= 0.01


def test_a_fail_says_how_bad_it_is_at_least() -> None:
    judgement = judge(run(1_000, wrong=40), SLO)
    assert judgement.outcome == "fail"
    assert judgement.exit_code == 1
    (reason,) = judgement.reasons
    assert reason.startswith("errors<=1%: 40 of 1,000 requests were not answered correctly; at 99% confidence that is")
    assert reason.endswith("of all, and 1 % may: fail")
    assert [term.outcome for term in judgement.terms] == ["pass", "fail"]
    assert judgement.terms[1].observed == "4.000%"


def test_a_few_violations_too_many_are_not_enough_data_either_way() -> None:
    judgement = judge(run(1_000, slow=12), P99)
    assert judgement.outcome == "not enough data"
    assert "12 of 1,000" in judgement.reasons[0]
    assert judgement.terms[0].needed == needed_requests(P99[0], 12) > 1_000


def test_goodput_is_judged_as_a_share_and_as_a_rate() -> None:
    slo = parse_slo("goodput>=98%,goodput>=90/s,p99<=200ms")
    judgement = judge(run(1_000, slow=3, wrong=2), slo)
    share, rate, _ = judgement.terms
    assert (share.violations, share.observed, share.outcome) == (5, "99.50%", "pass")
    assert (rate.allowed_ratio, rate.observed, rate.outcome) == (0.1, "99.5/s", "pass")
    assert "had no correct answer within 200 ms" in share.arithmetic


def test_a_rate_that_was_never_asked_for_is_not_enough_data() -> None:
    judgement = judge(run(1_000), parse_slo("goodput>=100/s"))
    assert judgement.outcome == "not enough data"
    assert "goodput>=100/s: 100.0 starts a second cannot show it" in judgement.reasons[0]
    assert judgement.terms[0].needed == 0


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"lag_ms": [6.0] * 11 + [0.0] * 989}, "1.1% of the starts were more than 5 ms late, 1% may be"),
        ({"workers_lost": 1}, "1 of the generator's workers vanished"),
        ({"clock_jumps": 2}, "clock jumped 2 times"),
    ],
    ids=["late", "worker", "clock"],
)
def test_a_generator_at_fault_outweighs_everything(more: dict[str, Any], reason: str) -> None:
    for found in (run(1_000, **more), run(1_000, wrong=500, **more)):
        judgement = judge(found, SLO)
        assert judgement.outcome == "generator invalid"
        assert judgement.exit_code == 3
        assert reason in judgement.reasons[0]


def test_one_start_the_generator_dropped_makes_the_run_invalid() -> None:
    found = load_result([25.0] * 999 + [None])
    assert generator_faults(found) == ("the generator never made 1 of 1,000 starts",)
    assert judge(found, P99).outcome == "generator invalid"


def test_lateness_up_to_one_percent_is_no_fault() -> None:
    assert generator_faults(run(1_000, lag_ms=[6.0] * 10 + [5.0] * 990)) == ()


def test_a_closed_loop_certifies_nothing() -> None:
    judgement = judge(run(1_000, loop="closed"), P99)
    assert judgement.outcome == "not enough data"
    assert "closed-loop" in judgement.reasons[0]


def test_a_run_that_ended_early_cannot_pass_but_can_fail() -> None:
    # Ctrl-C, or a capacity search that has seen enough: `load_result` says how long it was asked to be.
    early = run(1_000).model_copy(update={"interrupted": True})
    assert judge(early, P99).outcome == "not enough data"
    assert "ended after 10.0 of 10 s" in judge(early, P99).reasons[0]
    stopped = run(1_000).model_copy(update={"duration_s": 6.0})
    assert judge(stopped, P99).outcome == "not enough data"
    assert judge(run(1_000, slow=100, interrupted=True), P99).outcome == "fail"


def test_what_is_under_way_when_a_run_ends_early_does_not_flatter_it() -> None:
    latency, error = [25.0] * 900 + [None] * 100, [None] * 900 + [UNFINISHED] * 100
    unfinished = load_result(latency, error, lag_ms=[0.0] * 1_000, interrupted=True)
    (term,) = judge(unfinished, P99).terms
    # 100 starts a second for 10 s: of the last hundred all but those of the last 100 ms are too slow already.
    assert 88 <= term.violations <= 91
    assert judge(unfinished, P99).outcome == "fail"


def test_nothing_sent_is_not_enough_data() -> None:
    judgement = judge(load_result([]), SLO)
    assert judgement.outcome == "not enough data"
    assert [term.observed for term in judgement.terms] == ["nothing", "nothing"]
    assert judgement.steady is None


def test_nothing_but_refusals_fails_though_p99_has_nothing_to_judge() -> None:
    judgement = judge(load_result([1.0] * 600, ["status 503"] * 600), SLO)
    assert judgement.outcome == "fail"
    assert judgement.terms[0].trials == 0


def test_a_run_that_never_became_steady_does_not_pass() -> None:
    judgement = judge(load_result([20.0 + i / 20 for i in range(1_000)]), P99)
    assert judgement.steady is False
    assert judgement.outcome == "not enough data"
    assert judgement.reasons[0].startswith("no steady state: median latency")


def test_a_fail_stands_without_steady_state() -> None:
    assert judge(load_result([20.0 + i for i in range(1_000)]), P99).outcome == "fail"


def test_an_slo_without_terms_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least one term"):
        judge(run(10), ())


def test_a_largest_value_is_not_called_a_percentile() -> None:
    assert judge(run(50), P99).terms[0].observed == "largest 27.0 ms"


def test_requests_that_were_given_up_have_no_milliseconds_to_show() -> None:
    given_up = load_result([30_000.0] * 5 + [25.0] * 195, ["timeout"] * 5 + [None] * 195)
    assert judge(given_up, P99).terms[0].observed == "no answer before the timeout"
    assert judge(load_result([30_000.0] * 5, ["timeout"] * 5), P99).terms[0].observed == "no answer"


SIMULATED = 60


@pytest.mark.parametrize(
    ("times_bound", "outcome", "least", "most"),
    [(1.0, "pass", 0, 3), (0.5, "pass", 47, 60), (2.0, "fail", 58, 60)],
    ids=["at the bound", "at half the rate", "at twice the rate"],
)
def test_whole_verdicts_over_simulated_runs_of_the_recommended_length(
    times_bound: float, outcome: Outcome, least: int, most: int
) -> None:
    """Latencies as a busy service has them; limits are 0.01, 0.9 and 1 of the runs, give or take three deviations."""
    outcomes = [judge(_simulated(times_bound, seed), P99).outcome for seed in range(SIMULATED)]
    assert least <= outcomes.count(outcome) <= most


def _simulated(times_bound: float, seed: int) -> LoadResult:
    """Log-normal around 30 ms, and a tail above 100 ms for exactly the given multiple of the permitted share."""
    random = np.random.default_rng(seed)
    count = recommended_requests(P99[0])
    latency = np.minimum(random.lognormal(np.log(30), 0.4, count), 99.9)
    slow = random.random(count) < 0.01 * times_bound
    latency[slow] = 100 + random.exponential(80, slow.sum()) + 0.001
    return load_result(latency.tolist(), duration_s=60)
