"""Stepping through concurrency or replicas in a closed loop, several times, and what that comes to. Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from loadtest.capacity import little, usl
from loadtest.capacity.record import Point, Scale, Sweep
from loadtest.result import LoadResult
from lookout.errors import LookoutError, UsageError

USERS_PER_POD: Final = 8
"""Clients for each replica: connections stay where they were opened, so they spread by chance, and with so many hardly
a pod is left without one. Each pod then is busy all the time, which is what throughput against replicas asks for."""
BUSY_CORES: Final = 0.8
"""From here on the generator's own processor limits what it sends."""
_QUANTILES: Final = 51


class Step(NamedTuple):
    """One closed-loop run to be made."""

    n: int
    users: int
    repeat: int
    seed: int


def steps(scale: Scale, ns: Sequence[int], repeats: int, seed: int) -> Iterator[Step]:
    """Small to large, and all of it again: what drifts on the machine then spreads over all N."""
    for repeat in range(repeats):
        for place, n in enumerate(ns):
            users = n if scale == "concurrency" else n * USERS_PER_POD
            yield Step(n, users, repeat, seed + repeat * len(ns) + place)


def parse_ns(text: str, option: str) -> tuple[int, ...]:
    """N of `1,2,4,8`, ascending. UsageError for anything else, and for too few to fit a law to."""
    try:
        ns = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"{option}: {text!r} are not whole numbers", "write them as 1,2,4,8,16,32") from error
    if ns[0] < 1 or any(a >= b for a, b in pairwise(ns)):
        raise UsageError(f"{option}: {text!r} must ascend from 1 or more", "write them as 1,2,4,8,16,32")
    if len(ns) < usl.MIN_DISTINCT:
        raise UsageError(f"{option}: {len(ns)} values are too few for a fit", f"give at least {usl.MIN_DISTINCT}")
    return ns


def point(step: Step, result: LoadResult) -> Point:
    """What one run says, and why it is left out of the fit if it is."""
    latency = result.service_ms
    mean_ms = latency.mean if latency else None
    return Point(
        n=step.n,
        users=step.users,
        repeat=step.repeat,
        seed=step.seed,
        duration_s=result.duration_s,
        throughput_per_s=result.throughput_per_s,
        mean_ms=mean_ms,
        p99_ms=latency.p99 if latency else None,
        errors=result.counts.errors + result.counts.dropped,
        in_flight=little.in_flight(result.throughput_per_s, mean_ms or 0.0),
        unsound=_unsound(step, result, mean_ms),
    )


def summed_up(scale: Scale, points: Sequence[Point], limit_millicores: int | None) -> Sweep:
    """All points with the law fitted to the sound ones, or the reason why it is not."""
    sound = [one for one in points if one.unsound is None]
    fitted, no_fit = None, None
    try:
        fitted = usl.fit([one.n for one in sound], [one.throughput_per_s for one in sound])
    except LookoutError as error:
        left_out = f" ({len(points) - len(sound)} of {len(points)} runs left out)" if len(sound) < len(points) else ""
        no_fit = error.message + left_out
    return Sweep(scale=scale, pod_cpu_millicores=limit_millicores, points=tuple(points), fit=fitted, no_fit=no_fit)


def alone_ms(results: Sequence[LoadResult]) -> tuple[float, ...]:
    """Evenly spaced quantiles of correct answers' times, of runs with one request in flight; empty without any."""
    times = [
        ms
        for result in results
        for ms, error in zip(result.samples.service_ms, result.samples.error, strict=True)
        if error is None and ms is not None
    ]
    if not times:
        return ()
    return tuple(round(float(value), 3) for value in np.quantile(times, np.linspace(0, 1, _QUANTILES)))


def _unsound(step: Step, result: LoadResult, mean_ms: float | None) -> str | None:
    wrong = result.counts.errors + result.counts.dropped
    if wrong:
        return f"{wrong} of {result.counts.intended} requests failed"
    if mean_ms is None or result.throughput_per_s <= 0:
        return "nothing was answered"
    if max(result.generator.cpu_cores, default=0.0) > BUSY_CORES:
        return f"the generator used {max(result.generator.cpu_cores):.2f} of a core: it was the limit"
    return little.broken(step.users, result.throughput_per_s, mean_ms)
