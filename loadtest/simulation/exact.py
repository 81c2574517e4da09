"""Every request as an event: any way of balancing, any arrivals. About 200,000 requests a second of computing time."""

import heapq
import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtest.simulation.control import TICK_S, Control
from loadtest.simulation.outcome import Outcome, Tally
from loadtest.simulation.plan import Plan, Service
from service.admission import Admission
from service.problems import OverCapacity

QUICK_REQUESTS: Final = 300_000
"""Up to this it takes seconds."""
MOST_REQUESTS: Final = 3_000_000
"""Above this it takes minutes and gigabytes; `side_by_side` does not."""

Array = NDArray[np.float64]


class _Pod:
    """Workers, by when each will be free (first come, first served has no surprises), behind the service's own rule."""

    __slots__ = ("admission", "free_s")

    def __init__(self, service: Service) -> None:
        self.free_s = [0.0] * service.workers
        self.admission = Admission(service.workers, service.queue, service.queue_deadline_s)


_Done = tuple[float, int, _Pod, float | None]
"""When a request leaves its pod, its number, and how long it held a worker; None for one that waited too long."""


def simulate(plan: Plan, arrivals_s: Array, name: str) -> Outcome:
    """Run the plan over arrivals in ascending order, in seconds since the start."""
    random = np.random.default_rng(plan.seed)
    hold_s = service_times(plan.service, random.random(len(arrivals_s)))
    choose = _balancer(plan, random, len(arrivals_s))
    control, tally = Control(plan), Tally(plan)
    pods: list[_Pod] = []
    done: list[_Done] = []
    latency_s = np.full(len(arrivals_s), np.nan)
    ready, next_tick_s, stretch = 0, 0.0, 1.0
    for i, at_s in enumerate([*arrivals_s.tolist(), math.inf]):
        while next_tick_s <= min(at_s, plan.duration_s):
            _finish(done, next_tick_s)
            in_flight = sum(pod.admission.admitted for pod in pods[:ready])
            ready = control.tick(next_tick_s, in_flight)
            tally.state(next_tick_s, control.fleet.wanted, ready, control.fleet.nodes, in_flight)
            # Pods that went finish what they hold, unseen by new requests; those that come are new.
            pods = pods[:ready] + [_Pod(plan.service) for _ in range(ready - len(pods))]
            stretch = control.stretch(in_flight, ready)
            next_tick_s += TICK_S
        if at_s >= plan.duration_s:
            break
        _finish(done, at_s)
        pod = choose(pods, i) if ready else None
        if pod is None:
            continue
        try:
            turn = pod.admission.enter(1, at_s)
        except OverCapacity:
            continue
        begin_s = max(at_s, pod.free_s[0])
        if not turn.begins_in_time(begin_s):
            heapq.heappush(done, (begin_s, i, pod, None))
            continue
        held_s = stretch * float(hold_s[i])
        end_s = begin_s + held_s
        heapq.heapreplace(pod.free_s, end_s)
        heapq.heappush(done, (end_s, i, pod, held_s))
        latency_s[i] = end_s - at_s + plan.service.overhead_s
    inside = arrivals_s < plan.duration_s
    taken = ~np.isnan(latency_s)
    tally.answers(arrivals_s[taken], latency_s[taken])
    tally.refusals(arrivals_s[inside & ~taken])
    return tally.outcome(name, "every request as an event")


def service_times(service: Service, uniform: Array) -> Array:
    """Seconds that a worker is held: the quantiles at uniform draws, with straight lines between them."""
    return np.interp(uniform, np.linspace(0, 1, len(service.worker_s)), service.worker_s)


def _finish(done: list[_Done], now_s: float) -> None:
    while done and done[0][0] <= now_s:
        _, _, pod, held_s = heapq.heappop(done)
        if held_s is not None:
            pod.admission.measured(held_s)
        pod.admission.leave()


def _balancer(plan: Plan, random: np.random.Generator, requests: int) -> Callable[[list[_Pod], int], _Pod]:
    draws = random.random(requests).tolist()
    if plan.balancing == "random":
        return lambda pods, i: pods[int(draws[i] * len(pods))]
    if plan.balancing == "round-robin":
        return lambda pods, i: pods[i % len(pods)]
    return lambda pods, _: min(pods, key=lambda pod: pod.admission.admitted)
