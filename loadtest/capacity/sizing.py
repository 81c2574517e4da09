"""What follows from a measurement for an environment. Pure; every number comes with the sentence that says why."""

import math
import statistics
from typing import Final

from loadtest.capacity import usl
from loadtest.capacity.record import Machine, Point, Sizing, SloRate, Sweep
from loadtest.gate.slo import SloTerm, latency_bound_s
from lookout.errors import LookoutError

HEADROOM: Final = 0.7
"""Share of a pod's in-flight requests at its SLO-bounded rate that the autoscaler aims at. Pods that run then take a
rise of the load of about two fifths within the SLO, while more of them start."""


def derive(
    *,
    slo: tuple[SloTerm, ...],
    concurrency: Sweep,
    replicas: Sweep | None,
    slo_rate: SloRate,
    workers: int,
    machine: Machine,
    pods_per_machine: int | None,
) -> Sizing:
    """All numbers. LookoutError says which part of the measurement is missing."""
    if slo_rate.rate_per_s is None:
        invalid = sum(attempt.outcome == "generator invalid" for attempt in slo_rate.attempts)
        raise LookoutError(
            f"no rate met the SLO ({invalid} of {len(slo_rate.attempts)} runs were invalid: the generator was late)",
            "loosen it with --slo, make the pod faster, or leave the generator a quieter machine",
        )
    if replicas is None or replicas.fit is None:
        why = "replicas were not swept" if replicas is None else replicas.no_fit
        raise LookoutError(f"how many replicas still help is not known: {why}", "measure with --env and at least 6 N")
    limit, limit_reason = _concurrency_limit(concurrency, latency_bound_s(slo))
    at_rate, target, target_reason = _target(slo_rate, limit)
    most, most_reason = _max_replicas(replicas, pods_per_machine)
    cost, cost_reason = _cost(slo_rate.rate_per_s, workers, machine, pods_per_machine)
    pool = math.ceil(most / pods_per_machine) if pods_per_machine else None
    return Sizing(
        concurrency_limit=limit,
        in_flight_at_slo_rate=at_rate,
        target_in_flight=target,
        max_replicas=most,
        pods_per_machine=pods_per_machine,
        pool_machines=pool,
        usd_per_thousand=cost,
        reasons=(limit_reason, target_reason, most_reason, _pool_reason(most, pods_per_machine, pool), cost_reason),
    )


def _concurrency_limit(sweep: Sweep, bound_s: float) -> tuple[int, str]:
    """The largest N whose slow answers still come in time: N / X(N) by Little's law, times measured p99 over mean."""
    if sweep.fit is None:
        raise LookoutError(f"the concurrency limit is not known: {sweep.no_fit}", "measure again, with more repeats")
    tail = max(1.0, _tail(sweep.points))
    fitted = sweep.fit
    in_time = [
        n for n in range(1, usl.EXTRAPOLATION * fitted.largest + 1) if n / usl.predict(fitted, n) * tail <= bound_s
    ]
    limit = max(in_time, default=1)
    slow_ms = 1000 * limit / usl.predict(fitted, limit) * tail
    return limit, (
        f"Concurrency limit {limit}: with so many in a pod the slowest hundredth takes about {slow_ms:.0f} ms of "
        f"{1000 * bound_s:.0f} ms (N / X(N), times {tail:.2f}, the largest p99 over mean of the sweep)."
    )


def _tail(points: tuple[Point, ...]) -> float:
    ratios: dict[int, list[float]] = {}
    for point in points:
        if point.unsound is None and point.p99_ms is not None and point.mean_ms:
            ratios.setdefault(point.n, []).append(point.p99_ms / point.mean_ms)
    return max((statistics.median(of_n) for of_n in ratios.values()), default=1.0)


def _target(slo_rate: SloRate, limit: int) -> tuple[float, float, str]:
    """In flight at the SLO-bounded rate, the target, and the reason."""
    confirmed = [attempt for attempt in slo_rate.attempts if attempt.purpose == "confirm" and attempt.sustained][-1]
    if confirmed.in_flight:
        at_rate, how = confirmed.in_flight, "by the pod's own metric"
    elif confirmed.mean_ms:
        at_rate, how = confirmed.rate_per_s * confirmed.mean_ms / 1000, "rate times mean latency, by Little's law"
    else:
        raise LookoutError("the confirming run has no latency", "measure again")
    target = round(min(HEADROOM * at_rate, limit), 3)
    return (
        round(at_rate, 3),
        target,
        (
            f"Autoscaler target {target:g} in flight a pod: {HEADROOM:.0%} of the {at_rate:.2f} at "
            f"{confirmed.rate_per_s:.1f}/s ({how})."
        ),
    )


def _max_replicas(sweep: Sweep, pods_per_machine: int | None) -> tuple[int, str]:
    assert sweep.fit is not None  # noqa: S101  # the caller has looked
    range_end = usl.EXTRAPOLATION * sweep.fit.largest
    peak = sweep.fit.peak.best
    if peak is not None and peak < range_end:
        return max(1, math.floor(peak)), f"At most {max(1, math.floor(peak))} replicas: throughput peaks there."
    beside = "" if pods_per_machine is None else f"; a machine holds {pods_per_machine} by their requests"
    return range_end, f"At most {range_end} replicas: twice the {sweep.fit.largest} measured{beside}."


def _pool_reason(most: int, pods_per_machine: int | None, pool: int | None) -> str:
    if not pods_per_machine:
        return "Pool maximum unknown: no cluster was asked how many pods a machine holds."
    return f"Pool maximum {pool}: {most} pods at {pods_per_machine} a machine, by their CPU and memory requests."


def _cost(rate_per_s: float, workers: int, machine: Machine, pods_per_machine: int | None) -> tuple[float | None, str]:
    """Only as many pods as have a core for each worker: the rate was measured without others beside it."""
    if machine.price is None:
        return None, f"Cost unknown: no price of {machine.type} was given (--prices)."
    pods = min(pods_per_machine or machine.cores, max(1, machine.cores // workers))
    cost = machine.price.usd_per_hour / 3600 / (pods * rate_per_s) * 1000
    price = f"{machine.price.usd_per_hour:g} USD an hour in {machine.price.region} ({machine.price.date})"
    return cost, (
        f"{cost:.6f} USD per thousand detections: {price}, {pods} pods of {machine.cores} cores, each at "
        f"{rate_per_s:.1f}/s without a pause."
    )
