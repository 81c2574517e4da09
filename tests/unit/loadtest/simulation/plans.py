"""Plans for tests: a service by its mean, and fixed pods unless said otherwise."""

from typing import Any

import numpy as np

from loadtest.arrivals import Poisson
from loadtest.simulation import exact, side_by_side
from loadtest.simulation.outcome import Outcome
from loadtest.simulation.plan import Autoscaling, Plan, Pool, Service


def exponential(mean_s: float) -> tuple[float, ...]:
    """Quantiles of an exponential distribution, so fine that its mean comes out within 0.1 %."""
    grid = np.linspace(0, 1, 20_001)
    grid[-1] = 1 - 1e-6
    return tuple(float(value) for value in -mean_s * np.log1p(-grid))


def constant(s: float) -> tuple[float, ...]:
    """The same time for every request."""
    return (s, s)


def plan(service: Service, pods: int = 1, **changes: Any) -> Plan:
    """A plan with a fixed number of pods."""
    fixed = Autoscaling(least=pods, most=pods, target_in_flight=1)
    values: dict[str, Any] = {
        "service": service,
        "autoscaling": fixed,
        "pool": Pool(pod_start_s=2),
        "bound_s": 0.1,
        "duration_s": 100,
    }
    return Plan(**(values | changes))


def by_event(what: Plan, rate: float) -> Outcome:
    """Of Poisson arrivals, simulated request by request."""
    times = np.asarray(Poisson(rate=rate).times(what.duration_s, seed=what.seed))
    return exact.simulate(what, times, "poisson")


def side(what: Plan, rate: float) -> Outcome:
    """Of Poisson arrivals, simulated pod beside pod."""
    return side_by_side.simulate(what, lambda _: rate, "poisson")
