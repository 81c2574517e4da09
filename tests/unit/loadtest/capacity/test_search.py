"""The search finds the rate that a simulated server of known capacity holds, and proves it at full length."""

import numpy as np
import pytest

from loadtest.arrivals import Poisson
from loadtest.capacity.record import Attempt
from loadtest.capacity.search import Ask, Bounds, highest_rate, most_runs, sustained
from loadtest.gate import stopping
from loadtest.gate.verdict import Judgement, Outcome, TermJudgement
from loadtest.simulation import exact
from loadtest.simulation.plan import Autoscaling, Plan, Pool, Service

BOUNDS = Bounds(first=40, ceiling=1000, resolution=0.05, lowest=2)
MU, BOUND_S = 100.0, 0.1


def simulated(ask: Ask) -> Attempt:
    """A pod with constant service time of 10 ms under p99<=100ms, judged as the gate does."""
    duration_s = 300.0 if ask.purpose == "confirm" else max(40.0, 600 / ask.rate_per_s)
    plan = Plan(
        service=Service(worker_s=(1 / MU, 1 / MU), queue=1000),
        autoscaling=Autoscaling(least=1, most=1, target_in_flight=1),
        pool=Pool(pod_start_s=0),
        bound_s=BOUND_S,
        duration_s=duration_s,
        seed=ask.seed,
    )
    times = np.asarray(Poisson(rate=ask.rate_per_s).times(duration_s, seed=ask.seed))
    found = exact.simulate(plan, times, "poisson")
    late = sum(second.late + second.refused for second in found.seconds)
    passed = stopping.passes(found.requests, late, stopping.P99_RATIO)
    failed = stopping.bounds(found.requests, late)[0] > stopping.P99_RATIO
    return attempt(ask, "pass" if passed else "fail" if failed else "not enough data")


def attempt(ask: Ask, outcome: Outcome) -> Attempt:
    """One run with this outcome."""
    return Attempt(
        purpose=ask.purpose,
        rate_per_s=ask.rate_per_s,
        seed=ask.seed,
        duration_s=1,
        requests=1,
        errors=0,
        p99_ms=None,
        mean_ms=None,
        in_flight=None,
        outcome=outcome,
        sustained=outcome == "pass",
        reason="",
    )


def up_to(limit: float, ask: Ask) -> Attempt:
    return attempt(ask, "pass" if ask.rate_per_s <= limit else "fail")


@pytest.mark.parametrize("first", [10.0, 40.0, 300.0])
def test_finds_what_an_m_d_1_server_holds(first: float) -> None:
    found = highest_rate(simulated, BOUNDS._replace(first=first), seed=11)
    # 1 % of requests wait for more than ten service times at 77/s (exact.py over 20,000 s); waiting comes in bursts, so
    # five minutes prove a little less.
    assert found.rate_per_s == pytest.approx(72, rel=0.08)
    assert found.attempts[-1].purpose == "confirm"
    assert found.attempts[-1].outcome == "pass"
    assert not found.ceiling_reached


@pytest.mark.parametrize("limit", [9.0, 33.0, 150.0, 700.0])
def test_comes_within_the_resolution_and_within_the_runs_it_told(limit: float) -> None:
    found = highest_rate(lambda ask: up_to(limit, ask), BOUNDS, seed=1)
    assert found.rate_per_s is not None
    assert found.rate_per_s <= limit < found.rate_per_s * (1 + BOUNDS.resolution)
    if limit in (33.0, 150.0):
        assert len(found.attempts) <= most_runs(BOUNDS.resolution)


def test_every_run_has_a_seed_of_its_own() -> None:
    found = highest_rate(lambda ask: up_to(77, ask), BOUNDS, seed=5)
    assert [one.seed for one in found.attempts] == list(range(5, 5 + len(found.attempts)))


def test_a_failed_confirmation_lowers_the_rate_one_step_at_a_time() -> None:
    asked: list[Ask] = []

    def measure(ask: Ask) -> Attempt:
        asked.append(ask)
        return up_to(100 if ask.purpose != "confirm" else 92, ask)

    found = highest_rate(measure, BOUNDS, seed=1)
    confirmations = [ask.rate_per_s for ask in asked if ask.purpose == "confirm"]
    assert len(confirmations) in (2, 3)
    assert confirmations[1] == pytest.approx(confirmations[0] / 1.05)
    assert found.not_held_per_s == confirmations[-2]
    assert found.rate_per_s == confirmations[-1] <= 92


def test_no_rate_is_named_when_no_confirmation_passes_or_nothing_holds() -> None:
    never = highest_rate(lambda ask: up_to(100 if ask.purpose != "confirm" else 0, ask), BOUNDS, seed=1)
    assert never.rate_per_s is None
    nothing = highest_rate(lambda ask: up_to(0.001, ask), BOUNDS, seed=1)
    assert nothing.rate_per_s is None
    assert len(nothing.attempts) < 10


def test_says_when_it_ended_at_the_ceiling_or_at_the_generators_own_limit() -> None:
    high = highest_rate(lambda ask: up_to(5000, ask), BOUNDS, seed=1)
    assert high.ceiling_reached
    assert high.rate_per_s == BOUNDS.ceiling

    def invalid_above(ask: Ask) -> Attempt:
        return attempt(ask, "pass" if ask.rate_per_s <= 200 else "generator invalid")

    assert highest_rate(invalid_above, BOUNDS, seed=1).ceiling_reached


def test_a_late_generator_gets_one_more_try_at_the_same_rate() -> None:
    asked: list[Ask] = []

    def measure(ask: Ask) -> Attempt:
        asked.append(ask)
        return attempt(ask, "generator invalid") if len(asked) == 2 else up_to(60, ask)

    found = highest_rate(measure, BOUNDS, seed=1)
    assert asked[1].rate_per_s == asked[2].rate_per_s
    assert found.rate_per_s == pytest.approx(60, rel=0.06)
    assert not found.ceiling_reached


def test_what_was_measured_is_kept_when_the_search_is_interrupted() -> None:
    kept: list[Attempt] = []

    def measure(ask: Ask) -> Attempt:
        if len(kept) == 3:
            raise KeyboardInterrupt
        return up_to(60, ask)

    with pytest.raises(KeyboardInterrupt):
        highest_rate(measure, BOUNDS, seed=1, keep=kept.append)
    assert len(kept) == 3


def test_a_short_run_need_not_show_a_rare_error_but_must_not_have_one() -> None:
    short = judgement("not enough data", term("pass", 0), term("not enough data", 0))
    assert sustained(short, "narrow")
    assert not sustained(short, "confirm")
    assert not sustained(judgement("not enough data", term("pass", 0), term("not enough data", 1)), "narrow")
    assert not sustained(judgement("not enough data", term("not enough data", 7), term("pass", 0)), "bracket")
    assert sustained(judgement("pass", term("pass", 3)), "confirm")
    assert not sustained(judgement("generator invalid", term("pass", 0)), "bracket")


def term(outcome: Outcome, violations: int) -> TermJudgement:
    return TermJudgement(
        term="p99<=100ms",
        outcome=outcome,
        trials=1000,
        violations=violations,
        allowed_ratio=0.01,
        needed=459,
        lower_ratio=0,
        upper_ratio=0.01,
        observed="",
        arithmetic="",
    )


def judgement(outcome: Outcome, *terms: TermJudgement) -> Judgement:
    return Judgement(outcome=outcome, reasons=("",), terms=terms, steady=True, steady_reason="", confidence=0.99)
