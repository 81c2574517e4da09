"""Plans with the numbers of a capacity record. Pure."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from loadtest.arrivals import Poisson
from loadtest.capacity import usl
from loadtest.capacity.record import Attempt, CapacityRecord
from loadtest.gate.slo import latency_bound_s
from loadtest.simulation import exact
from loadtest.simulation.plan import Autoscaling, Plan, Pool, Service
from lookout.errors import LookoutError


def plan(record: CapacityRecord, choices: dict[str, Any], duration_s: float, factor: float) -> Plan:
    """A plan from the record and what was chosen on the command line; pods and nodes are taken `factor` times.

    LookoutError when the record was not sized and the choices do not make up for it; pydantic's ValidationError for
    choices that no plan takes.
    """
    sizing = record.sizing
    most, target, per_node = choices["most"], choices["target"], choices["pods_per_node"]
    if sizing is not None:
        most, target = most or sizing.max_replicas, target or sizing.target_in_flight
        per_node = per_node or sizing.pods_per_machine
    if most is None or target is None:
        raise LookoutError(
            f"the record sizes nothing: {record.not_sized}", "give --most and --target, or measure again"
        )
    per_node = per_node or most
    least = min(math.ceil(choices["least"] * factor), math.ceil(most * factor))
    return Plan.model_validate(
        {
            "service": {
                **service(record, min(per_node, math.ceil(most * factor))).model_dump(),
                "queue_deadline_s": choices["queue_deadline_s"],
            },
            "autoscaling": Autoscaling(
                least=least,
                most=math.ceil(most * factor),
                target_in_flight=target,
                metric_delay_s=choices["metric_delay_s"],
            ),
            "pool": Pool(
                pod_start_s=choices["pod_start_s"],
                pods_per_node=per_node,
                nodes=math.ceil(choices["nodes"] * factor),
                most_nodes=math.ceil(choices["most_nodes"] * factor),
                node_start_s=choices["node_start_s"],
                cores_per_node=choices["cores_per_node"],
            ),
            "balancing": choices["balancing"],
            "bound_s": latency_bound_s(record.slo),
            "duration_s": duration_s,
            "seed": choices["seed"],
        }
    )


def service(record: CapacityRecord, pods_per_node: int = 1) -> Service:
    """The record's pod.

    A request alone takes what was measured with one in flight. Of that it holds a worker as long as a saturated pod
    shows, workers / saturated throughput, and spends the rest outside: so both ends of the measured curve come out.
    What the record's own run of Poisson arrivals took longer than such a pod is spent outside, too. With several pods a
    node, each takes longer by the law fitted to the replicas. LookoutError when the record lacks a part, or for more
    pods a node than twice the number measured.
    """
    measured = record.service_time
    if measured is None:
        raise LookoutError("the record says nothing of how long a request takes", "measure with --env, not --url")
    alone_ms = np.asarray(measured.quantiles_ms)
    mean_ms = float((alone_ms[1:] + alone_ms[:-1]).mean() / 2)
    held_ms = 1000 * measured.workers / measured.saturated_per_s
    worker_s = alone_ms / mean_ms * held_ms / 1000
    pod = Service(
        worker_s=tuple(worker_s.tolist()),
        overhead_s=max(0.0, mean_ms - held_ms) / 1000,
        workers=measured.workers,
        queue=measured.queue,
    )
    stretched = tuple((worker_s * _beside(record, pods_per_node)).tolist())
    more_s = _unexplained_s(record.slo_rate.attempts, pod)
    return pod.model_copy(update={"worker_s": stretched, "overhead_s": pod.overhead_s + more_s})


def _unexplained_s(attempts: Sequence[Attempt], pod: Service) -> float:
    """What a request of the confirming run took longer, in the mean, than this pod under the very same arrivals.

    Between requests that come when they like, a machine does other things; one that is asked again at once does not.
    """
    run = next((one for one in reversed(attempts) if one.purpose == "confirm" and one.sustained), None)
    if run is None or run.mean_ms is None:
        return 0.0
    plan = Plan(
        service=pod,
        autoscaling=Autoscaling(least=1, most=1, target_in_flight=1),
        pool=Pool(pod_start_s=0),
        bound_s=1,
        duration_s=run.duration_s,
        seed=run.seed,
    )
    starts = Poisson(rate=run.rate_per_s).times(run.duration_s, run.seed)
    simulated_ms = exact.simulate(plan, starts, "the confirming run").mean_ms
    return max(0.0, run.mean_ms - (simulated_ms or 0.0)) / 1000


def _beside(record: CapacityRecord, pods_per_node: int) -> float:
    """How much slower a pod is with so many on its node."""
    if pods_per_node == 1:
        return 1.0
    if record.replicas is None or record.replicas.fit is None:
        raise LookoutError("the record says nothing of several pods on a node", "simulate with --pods-per-node 1")
    fit = record.replicas.fit
    return pods_per_node * usl.predict(fit, 1) / usl.predict(fit, pods_per_node)
