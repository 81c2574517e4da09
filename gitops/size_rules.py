"""What may not be said of an environment against what was measured of its release. Pure: values in, sentences out."""

from collections.abc import Iterator, Mapping

from gitops.scaling_file import QUEUE, THREADS, Scaling
from loadtest.capacity.record import CapacityRecord, Sizing
from service.settings import Settings

SURGE = 1
"""Pods that a rollout adds (maxSurge of gitops/config/detector/base/deployment.yaml)."""


def contradictions(scaling: Scaling, variables: Mapping[str, str], record: CapacityRecord) -> list[str]:
    """Every value that contradicts the measurement, a sentence each; empty where there is none."""
    if record.sizing is None:
        return [f"the record sizes nothing: {record.not_sized}"]
    return [*_replicas(scaling, record.sizing), *_target(scaling, record.sizing), *_limit(variables, record.sizing)]


def pool_room(sizing: Sizing, machines: int) -> int | None:
    """Replicas that so many machines hold beside the pod that a rollout adds; None where it is not known."""
    return None if sizing.pods_per_machine is None else sizing.pods_per_machine * machines - SURGE


def _replicas(scaling: Scaling, sizing: Sizing) -> Iterator[str]:
    if scaling.least > scaling.most:
        yield f"minReplicas {scaling.least} is above maxReplicas {scaling.most}"
    if scaling.most > sizing.max_replicas:
        yield (
            f"{scaling.most} replicas are past the {sizing.max_replicas} that the measurement speaks for (its peak, or "
            "twice the range measured)"
        )
    room = pool_room(sizing, scaling.machines)
    if room is not None and scaling.most > room:
        yield (
            f"{scaling.most} replicas and the one that a rollout adds do not fit on {scaling.machines} machine(s) of "
            f"{sizing.pods_per_machine} pods each"
        )


def _target(scaling: Scaling, sizing: Sizing) -> Iterator[str]:
    if scaling.target is None:
        return
    if scaling.target <= 0:
        yield f"a target of {scaling.target:g} in flight is none"
    elif scaling.target > sizing.concurrency_limit:
        yield (
            f"the target of {scaling.target:g} in flight is above the measured concurrency limit of "
            f"{sizing.concurrency_limit}"
        )
    elif scaling.target > sizing.in_flight_at_slo_rate:
        yield (
            f"the target of {scaling.target:g} in flight is above the {sizing.in_flight_at_slo_rate:g} that a pod has "
            "at its SLO-bounded rate: pods would be added when the SLO is broken already"
        )


def _limit(variables: Mapping[str, str], sizing: Sizing) -> Iterator[str]:
    default = Settings()
    try:
        queue = int(variables.get(QUEUE, default.queue))
        threads = int(variables.get(THREADS, default.threads or 1))
    except ValueError:
        yield f"{QUEUE} and {THREADS} are not both whole numbers"
        return
    if queue + threads > sizing.concurrency_limit:
        said = f"{QUEUE}={queue}" if QUEUE in variables else f"{QUEUE}'s default {queue}"
        yield (
            f"{said} and {threads} thread(s) let {queue + threads} requests into a pod, which answers no more than "
            f"{sizing.concurrency_limit} of them in time"
        )
