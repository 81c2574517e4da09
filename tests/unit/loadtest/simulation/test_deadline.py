"""Simulated pods refuse what cannot begin in time, by the service's own rule, and give up what did not."""

from collections.abc import Callable

import numpy as np
import pytest

from loadtest.arrivals import Spike
from loadtest.simulation import exact, side_by_side
from loadtest.simulation.outcome import Outcome
from loadtest.simulation.plan import Autoscaling, Plan, Pool, Service
from service.admission import Admission
from service.problems import OverCapacity
from tests.unit.loadtest.simulation.plans import by_event, constant, exponential, plan, side

HELD_S = 0.01
FOR_EVER_S = 3600.0


both = pytest.mark.parametrize("run", [by_event, side])
Run = Callable[[Plan, float], Outcome]


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("queue", [0, 3, 40])
@pytest.mark.parametrize("service_s", [0.003, 0.01, 0.3])
def test_many_pods_at_once_let_in_what_the_service_s_own_rule_lets_in(
    workers: int, queue: int, service_s: float
) -> None:
    service = Service(worker_s=constant(service_s), workers=workers, queue=queue, queue_deadline_s=0.1)
    admitted = np.arange(workers + queue + 3)
    own = [_lets_in(service, int(count), service_s) for count in admitted]
    assert side_by_side.takes(service, admitted, service_s).tolist() == own
    assert own[0]
    assert not own[-1]


def _lets_in(service: Service, admitted: int, service_s: float) -> bool:
    admission = Admission(service.workers, service.queue, service.queue_deadline_s)
    admission.measured(service_s)
    admission.admitted = admitted
    try:
        admission.check()
    except OverCapacity:
        return False
    return True


@both
def test_a_deadline_is_a_shorter_queue_where_every_request_takes_the_same_time(run: Run) -> None:
    # Five waiting times of 10 ms fit into 55 ms: the one worked on, and five that wait.
    by_time = Service(worker_s=constant(HELD_S), queue=500, queue_deadline_s=5.5 * HELD_S)
    by_number = Service(worker_s=constant(HELD_S), queue=5, queue_deadline_s=FOR_EVER_S)
    timed, counted = (run(plan(service, duration_s=60), 130.0) for service in (by_time, by_number))
    assert timed.model_dump(exclude={"plan"}) == counted.model_dump(exclude={"plan"})
    assert timed.refused > 1000


@both
def test_no_answer_comes_later_than_deadline_and_work_and_the_workers_stay_busy(run: Run) -> None:
    worker_s = (0.0, 2 * HELD_S)
    service = Service(worker_s=worker_s, overhead_s=0.002, workers=2, queue=500, queue_deadline_s=0.1)
    found = run(plan(service, duration_s=60, bound_s=0.1 + worker_s[1] + 0.002), 300.0)
    assert sum(second.late for second in found.seconds) == 0
    assert found.answered / 60 == pytest.approx(2 / HELD_S, rel=0.02)
    patient = run(plan(service.model_copy(update={"queue_deadline_s": FOR_EVER_S}), duration_s=60), 300.0)
    assert patient.p50_ms is not None
    assert found.p50_ms is not None
    assert patient.p50_ms > 10 * found.p50_ms


@both
def test_what_waited_too_long_all_the_same_is_given_up(run: Run) -> None:
    """One in a hundred holds its worker up to twenty times longer: the mean lets others in behind it."""
    seldom = (HELD_S,) * 100 + (20 * HELD_S,)

    def slow(queue_deadline_s: float) -> float:
        """Share of requests with an answer later than the deadline of 50 ms and the usual work."""
        service = Service(worker_s=seldom, queue=500, queue_deadline_s=queue_deadline_s)
        found = run(plan(service, duration_s=200, bound_s=0.05 + 1.01 * HELD_S), 40.0)
        return sum(second.late for second in found.seconds) / found.requests

    assert slow(0.05) < 0.01  # those alone that take so long themselves
    assert slow(FOR_EVER_S) > 0.02


def test_both_agree_in_overload_while_pods_come_and_go() -> None:
    service = Service(worker_s=exponential(HELD_S), workers=2, queue=200, queue_deadline_s=0.1)
    scaling = Autoscaling(least=2, most=6, target_in_flight=1.5, metric_delay_s=2)
    what = plan(service, autoscaling=scaling, pool=Pool(pod_start_s=4), duration_s=120)

    def rate(at_s: float) -> float:
        return 1500.0 if 40 <= at_s < 80 else 200.0

    times = np.asarray(Spike(rate=200, peak=1500, at_s=40, for_s=40).times(120, seed=5))
    events, rows = exact.simulate(what, times, "spike"), side_by_side.simulate(what, rate, "spike")
    assert events.refused > 10_000
    assert events.refused == pytest.approx(rows.refused, rel=0.05)
    assert events.good_ratio == pytest.approx(rows.good_ratio, abs=0.02)
    assert events.p99_ms == pytest.approx(rows.p99_ms, rel=0.05)
