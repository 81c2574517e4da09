"""Plans from a record, a real run beside its simulation, and the command, which marks all of it as what-if."""

import json
from pathlib import Path

import numpy as np
import pytest

from loadtest.arrivals import Diurnal, Hold, Poisson, Replay, Spike, Steps
from loadtest.capacity.usl import Parameters
from loadtest.result import Observations, PodSecond
from loadtest.simulation import compare, exact, from_record
from loadtest.simulation.plan import Autoscaling, Plan, Pool, Service
from loadtest.simulation.scaled import open_schedule, scaled
from lookout.errors import EXIT_USAGE, LookoutError, UsageError
from service.settings import Settings
from tests.unit.command import ended
from tests.unit.loadtest.build import load_result
from tests.unit.loadtest.capacity.build import record, slo_rate, sweep
from tests.unit.loadtest.simulation.plans import constant, plan

CHOICES = {
    "least": 2,
    "most": None,
    "target": None,
    "metric_delay_s": 5,
    "pod_start_s": 4,
    "queue_deadline_s": 0.25,
    "nodes": 1,
    "most_nodes": 2,
    "pods_per_node": None,
    "node_start_s": 60,
    "cores_per_node": None,
    "balancing": "random",
    "seed": 1,
}


def test_a_simulated_pod_has_the_measured_latency_alone_and_the_measured_throughput_full() -> None:
    found = from_record.service(record())
    # Alone 13.5 ms in the mean (10, 12, 20 in straight lines); 100 a second when full, so a worker is held 10 ms.
    assert np.trapezoid(found.worker_s, dx=1 / 2) == pytest.approx(0.010)
    assert found.overhead_s == pytest.approx(0.0035)
    full = exact.simulate(plan(found, duration_s=20), np.arange(0, 20, 1 / 300), "flood")
    assert full.answered / 20 == pytest.approx(100, rel=0.03)


def test_a_simulated_pod_answers_as_late_as_the_record_s_own_run_of_poisson_arrivals() -> None:
    measured = record(slo_rate=slo_rate(rate=30.0))
    (run,) = measured.slo_rate.attempts
    starts = np.asarray(Poisson(rate=run.rate_per_s).times(run.duration_s, 77))  # of another seed than the run's own
    again = exact.simulate(plan(from_record.service(measured), duration_s=run.duration_s), starts, "again")
    assert again.mean_ms == pytest.approx(run.mean_ms, rel=0.03)
    full = exact.simulate(plan(from_record.service(measured), duration_s=20), np.arange(0, 20, 1 / 300), "flood")
    assert full.answered / 20 == pytest.approx(100, rel=0.03)


def test_a_run_that_was_no_slower_than_its_simulation_adds_nothing() -> None:
    quick = from_record.service(record(slo_rate=slo_rate(rate=70.0)))
    unknown = from_record.service(record().model_copy(update={"slo_rate": slo_rate(rate=None)}))
    assert quick.overhead_s == unknown.overhead_s == pytest.approx(0.0035)


def test_pods_that_share_a_node_are_slower_as_measured_and_not_beyond_the_range() -> None:
    shared = record(replicas=sweep("replicas", Parameters(20, 0.1, 0.0), (1, 2, 3, 4, 5, 6), 8))
    alone, six = from_record.service(shared), from_record.service(shared, 6)
    assert six.worker_s[-1] / alone.worker_s[-1] == pytest.approx(1.5, rel=0.01)
    with pytest.raises(LookoutError, match="past 2 times"):
        from_record.service(shared, 13)


def test_bounds_and_target_come_from_the_record_unless_chosen_and_grow_with_the_load() -> None:
    found = from_record.plan(record(), CHOICES, 60, 1)
    assert (found.autoscaling.least, found.autoscaling.most) == (2, 12)
    assert found.autoscaling.target_in_flight == pytest.approx(1.12)
    assert found.pool.pods_per_node == 9
    assert found.bound_s == 0.1
    assert found.service.queue_deadline_s == 0.25
    tenfold = from_record.plan(record(), CHOICES | {"most": 3, "target": 5.0}, 60, 10)
    assert (tenfold.autoscaling.least, tenfold.autoscaling.most, tenfold.pool.most_nodes) == (20, 30, 20)
    assert tenfold.autoscaling.target_in_flight == 5


def test_busy_pods_share_the_cores_of_their_node() -> None:
    service = Service(worker_s=constant(0.01), queue=20)
    four = plan(service, pods=4, duration_s=20)
    shared = four.model_copy(update={"pool": Pool(pod_start_s=0, cores_per_node=2)})
    flood = np.arange(0, 20, 1 / 1000)
    free, halved = (exact.simulate(what, flood, "flood") for what in (four, shared))
    assert halved.answered / free.answered == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(
    "schedule",
    [
        Poisson(rate=5),
        Spike(rate=5, peak=50, at_s=10, for_s=5),
        Steps(steps=(Hold(rate=1, for_s=5), Hold(rate=9, for_s=5))),
        Diurnal(rate=1, peak=9, period_s=20),
    ],
)
def test_a_multiple_of_a_schedule_has_that_multiple_of_its_rate_at_every_time(schedule: Poisson) -> None:
    tenfold = scaled(schedule, 10)
    assert all(tenfold.rate_at(t) == pytest.approx(10 * schedule.rate_at(t)) for t in np.linspace(0, 19, 40))
    assert scaled(schedule, 1) == schedule


def test_a_trace_and_a_closed_loop_are_refused_where_they_make_no_sense() -> None:
    with pytest.raises(UsageError, match="trace has no rate"):
        scaled(Replay(trace="t", times_s=(1.0,)), 2)
    with pytest.raises(UsageError, match="closed"):
        open_schedule({"kind": "closed", "users": 3})


def test_a_run_and_its_simulation_agree_where_the_run_was_simulated_itself() -> None:
    what = plan(Service(worker_s=constant(0.01), queue=20), duration_s=40)
    times = np.asarray(Poisson(rate=60).times(40, 3))
    simulated = exact.simulate(what, times, "made up")
    latency = _latencies(what, times)
    pods = tuple(PodSecond(at_s=float(s), wanted=1, ready=1, restarts=0) for s in range(40))
    run = load_result(list(latency), intended_s=list(times), duration_s=40, observations=Observations(pods=pods))
    rows = {row.name: row for row in compare.side_by_side(run, compare.replayed(what, run))}
    assert rows["requests"].measured == rows["requests"].simulated == simulated.requests
    for name in ("mean latency", "p50", "p99", "answered in time", "mean pods ready"):
        assert rows[name].simulated == pytest.approx(rows[name].measured, rel=0.02), name
    assert rows["first extra pod ready"] == ("first extra pod ready", "s", None, None)


def test_the_first_more_pods_are_read_off_both_sides() -> None:
    service, scaling = Service(worker_s=constant(0.02), queue=50), Autoscaling(least=1, most=4, target_in_flight=1)
    what = plan(service, autoscaling=scaling, duration_s=60, pool=Pool(pod_start_s=3))
    pods = tuple(PodSecond(at_s=float(s), wanted=1 + (s >= 20), ready=1 + (s >= 25), restarts=0) for s in range(60))
    times = list(np.arange(0, 60, 0.012))
    run = load_result([50.0] * len(times), intended_s=times, duration_s=60, observations=Observations(pods=pods))
    rows = {row.name: row for row in compare.side_by_side(run, compare.replayed(what, run))}
    assert rows["first more pods wanted"].measured == 20
    assert rows["first extra pod ready"].measured == 25
    wanted, ready = rows["first more pods wanted"].simulated, rows["first extra pod ready"].simulated
    assert wanted is not None
    assert ready is not None
    assert 14 <= wanted <= 20
    assert ready == pytest.approx(wanted + 3, abs=1)


def test_the_command_marks_everything_as_what_if(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "record.json", tmp_path / "what-if.json"
    file.write_text(record().text())
    words = ["load", "simulate", "--record", str(file), "--rate", "40", "--duration", "30s", "--times", "1,50"]
    assert ended(*words, "--most-nodes", "4", "--node-start", "5s", "--json", str(out)) == 0
    shown = capsys.readouterr().out
    assert "what-if (simulated)" in shown
    assert "poisson x 50" in shown
    outcomes = json.loads(out.read_text())
    deadlines = {outcome["plan"]["service"]["queue_deadline_s"] for outcome in outcomes}
    assert deadlines == {Settings().queue_deadline_s}
    assert [outcome["what_if"][:7] for outcome in outcomes] == ["what-if", "what-if"]
    assert outcomes[1]["requests"] == pytest.approx(50 * 40 * 30, rel=0.02)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--times", "0"],
        ["--times", "many"],
        ["--arrivals", "closed"],
        ["--arrivals", "spike"],
        ["--duration", "soon"],
        ["--least", "20", "--most", "0"],
        ["--balancing", "lucky"],
        ["--queue-deadline", "0s"],
        ["--rate", "-5"],
        ["--rate", "500000", "--times", "10"],
        ["--arrivals", "diurnal", "--peak", "1", "--period", "60s"],
    ],
)
def test_wrong_words_end_with_usage(tmp_path: Path, wrong: list[str]) -> None:
    file = tmp_path / "record.json"
    file.write_text(record().text())
    assert ended("load", "simulate", "--record", str(file), "--rate", "10", "--duration", "5s", *wrong) == EXIT_USAGE


def _latencies(what: Plan, times: np.ndarray) -> list[float]:
    """One worker, constant service: Lindley's recursion, in milliseconds."""
    free, found = 0.0, []
    for at in times:
        free = max(free, at) + what.service.worker_s[0]
        found.append(1000 * (free - at))
    return found
