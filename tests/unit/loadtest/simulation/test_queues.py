"""Both ways to simulate agree with queueing theory, and with each other where both can run."""

from collections.abc import Callable
from math import factorial

import numpy as np
import pytest

from loadtest.arrivals import Spike
from loadtest.simulation import exact, side_by_side
from loadtest.simulation.outcome import Outcome
from loadtest.simulation.plan import Autoscaling, Plan, Pool, Service
from lookout.errors import LookoutError
from tests.unit.loadtest.simulation.plans import by_event, constant, exponential, plan, side

MU = 100.0
"""Requests a second of one worker."""


def forty_side_by_side(what: Plan, rate: float) -> Outcome:
    """Forty such pods for a fortieth of the time: as many requests, and the same figures of each pod."""
    fixed = Autoscaling(least=40, most=40, target_in_flight=1)
    return side(what.model_copy(update={"autoscaling": fixed, "duration_s": what.duration_s / 40}), 40 * rate)


both = pytest.mark.parametrize("run", [by_event, forty_side_by_side])
Run = Callable[[Plan, float], Outcome]


@both
def test_one_worker_answers_as_m_m_1_says(run: Run) -> None:
    rate = 70.0
    found = run(plan(Service(worker_s=exponential(1 / MU), queue=500), duration_s=1500), rate)
    assert found.mean_ms == pytest.approx(1000 / (MU - rate), rel=0.06)
    # Time in the system is exponential too.
    assert found.p99_ms == pytest.approx(1000 * np.log(100) / (MU - rate), rel=0.08)
    assert found.refused == 0


@both
def test_four_workers_wait_as_erlang_c_says(run: Run) -> None:
    workers, rate = 4, 320.0
    found = run(plan(Service(worker_s=exponential(1 / MU), workers=workers, queue=500), duration_s=500), rate)
    offered = rate / MU
    full = offered**workers / factorial(workers) * workers / (workers - offered)
    waits = full / (sum(offered**i / factorial(i) for i in range(workers)) + full)
    assert found.mean_ms == pytest.approx(1000 * (1 / MU + waits / (workers * MU - rate)), rel=0.05)


@both
def test_constant_service_waits_half_as_long(run: Run) -> None:
    found = run(plan(Service(worker_s=constant(1 / MU), queue=500), duration_s=1500), 80.0)
    # Pollaczek and Khinchine for M/D/1: waiting is rho / (2 mu (1 - rho)).
    assert found.mean_ms == pytest.approx(1000 * (1 / MU + 0.8 / (2 * MU * 0.2)), rel=0.06)


@both
def test_a_full_queue_refuses_as_erlang_b_says(run: Run) -> None:
    workers, rate = 3, 300.0
    found = run(plan(Service(worker_s=exponential(1 / MU), workers=workers, queue=0), duration_s=500), rate)
    offered = rate / MU
    blocked = (offered**workers / factorial(workers)) / sum(offered**i / factorial(i) for i in range(workers + 1))
    assert found.refused / found.requests == pytest.approx(blocked, rel=0.03)


def test_both_agree_while_pods_come_and_go() -> None:
    service = Service(worker_s=exponential(1 / MU), workers=2, queue=20)
    scaling = Autoscaling(least=2, most=12, target_in_flight=1.5, metric_delay_s=2)
    what = plan(service, autoscaling=scaling, pool=Pool(pod_start_s=4), duration_s=240)

    def rate(at_s: float) -> float:
        return 900.0 if 60 <= at_s < 120 else 200.0

    times = np.asarray(Spike(rate=200, peak=900, at_s=60, for_s=60).times(240, seed=5))
    events, rows = exact.simulate(what, times, "spike"), side_by_side.simulate(what, rate, "spike")
    assert events.requests == pytest.approx(rows.requests, rel=0.02)
    assert events.most_pods == pytest.approx(rows.most_pods, abs=1)
    assert events.pod_hours == pytest.approx(rows.pod_hours, rel=0.05)
    assert events.good_ratio == pytest.approx(rows.good_ratio, abs=0.02)
    assert events.p50_ms == pytest.approx(rows.p50_ms, rel=0.1)


def test_least_loaded_waits_less_than_random() -> None:
    service = Service(worker_s=exponential(1 / MU), queue=500)
    random, least = (
        by_event(plan(service, pods=8, balancing=how, duration_s=60), 600) for how in ("random", "least-loaded")
    )
    assert random.mean_ms is not None
    assert least.mean_ms is not None
    assert least.mean_ms < 0.6 * random.mean_ms


def test_pods_side_by_side_are_balanced_at_random_only() -> None:
    with pytest.raises(LookoutError, match="least-loaded"):
        side(plan(Service(worker_s=constant(0.01)), balancing="least-loaded"), 10)


def test_a_thousand_pods_at_a_hundred_thousand_a_second_are_feasible() -> None:
    service = Service(worker_s=exponential(1 / 130))
    found = side(plan(service, pods=1000, pool=Pool(pod_start_s=2, nodes=1), duration_s=3), 100_000)
    assert found.requests == pytest.approx(300_000, rel=0.01)
    assert found.mean_ms == pytest.approx(1000 / 30, rel=0.25)
    assert sum(second.arrived for second in found.seconds) == found.requests


def test_the_same_seed_gives_the_same_outcome() -> None:
    what = plan(Service(worker_s=exponential(0.01)), pods=3, duration_s=20)
    assert side(what, 100) == side(what, 100)
    assert by_event(what, 100) == by_event(what, 100)
    assert side(what, 100) != side(what.model_copy(update={"seed": 2}), 100)
