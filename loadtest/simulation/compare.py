"""A real run beside its simulation: the same arrivals to the moment, the same figures. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from loadtest.result import LoadResult, PodSecond
from loadtest.simulation.exact import simulate
from loadtest.simulation.outcome import Outcome, SimulatedSecond
from loadtest.simulation.plan import Plan
from loadtest.statistics import percentile


class Row(NamedTuple):
    """One figure; None where it cannot be known."""

    name: str
    unit: str
    measured: float | None
    simulated: float | None


def replayed(plan: Plan, run: LoadResult) -> Outcome:
    """The plan under the run's own intended starts."""
    return simulate(plan, np.asarray(run.samples.intended_s), "replay of a run")


def side_by_side(run: LoadResult, outcome: Outcome) -> list[Row]:
    """Latency from the intended start, what failed, and how the pods followed."""
    measured, bound_ms = sorted(_answered(run)), 1000 * outcome.plan.bound_s
    good = sum(ms <= bound_ms for ms in measured)
    intended = run.counts.intended
    pods, seconds = run.observations.pods, outcome.seconds
    return [
        Row("requests", "", intended, outcome.requests),
        Row("refused or failed", "", intended - len(measured), outcome.refused),
        Row("mean latency", "ms", float(np.mean(measured)) if measured else None, outcome.mean_ms),
        Row("p50", "ms", percentile(measured, 50), outcome.p50_ms),
        Row("p99", "ms", percentile(measured, 99), outcome.p99_ms),
        Row("answered in time", "%", 100 * good / intended if intended else None, 100 * outcome.good_ratio),
        Row("most pods ready", "", max((pod.ready for pod in pods), default=None), outcome.most_pods),
        Row("first more pods wanted", "s", _first_wanted(pods), _first_wanted(seconds)),
        Row("first extra pod ready", "s", _first_ready(pods), _first_ready(seconds)),
        Row("mean pods ready", "", _mean_ready(pods), _mean_ready(seconds)),
    ]


def _answered(run: LoadResult) -> list[float]:
    columns = zip(run.samples.latency_ms, run.samples.error, strict=True)
    return [ms for ms, error in columns if error is None and ms is not None]


def _first_wanted(looks: Sequence[PodSecond | SimulatedSecond]) -> float | None:
    return next((one.at_s for one in looks if _wanted(one) > _wanted(looks[0])), None)


def _first_ready(looks: Sequence[PodSecond | SimulatedSecond]) -> float | None:
    return next((one.at_s for one in looks if _ready(one) > _ready(looks[0])), None)


def _mean_ready(looks: Sequence[PodSecond | SimulatedSecond]) -> float | None:
    return sum(_ready(one) for one in looks) / len(looks) if looks else None


def _wanted(one: PodSecond | SimulatedSecond) -> int:
    return one.wanted if isinstance(one, PodSecond) else one.pods_wanted


def _ready(one: PodSecond | SimulatedSecond) -> int:
    return one.ready if isinstance(one, PodSecond) else one.pods_ready
