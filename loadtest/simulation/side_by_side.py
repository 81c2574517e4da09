"""Pods side by side: one step of numpy serves the next request of every pod at once, for a thousand pods and more.

A Service that picks a pod at random splits Poisson arrivals into independent Poisson arrivals at each pod, so pods need
not wait for each other: between two ticks each has its own queue, worked off exactly, first come, first served. What
this costs: arrivals are Poisson, their rate is constant within a tick, balancing is random, and pods judge waits by the
true mean of the service time, not by that of their last requests. `exact.py` has none of these limits, and tests hold
the two together where both can run.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from loadtest.simulation.control import TICK_S, Control
from loadtest.simulation.exact import service_times
from loadtest.simulation.outcome import Outcome, Tally
from loadtest.simulation.plan import Plan, Service
from lookout.errors import LookoutError

Array = NDArray[np.float64]


def simulate(plan: Plan, rate_at: Callable[[float], float], name: str) -> Outcome:
    """Run the plan under Poisson arrivals of a changing rate, in requests a second at a time in seconds."""
    if plan.balancing != "random":
        raise LookoutError(
            f"pods side by side cannot be balanced {plan.balancing}", "use --balancing random, or fewer requests"
        )
    random = np.random.default_rng(plan.seed)
    control, tally = Control(plan), Tally(plan)
    pods = _Pods(plan)
    ready, now_s = 0, 0.0
    while True:
        in_flight = pods.in_flight(now_s, ready)
        ready = control.tick(now_s, in_flight)
        tally.state(now_s, control.fleet.wanted, ready, control.fleet.nodes, in_flight)
        if now_s >= plan.duration_s:
            return tally.outcome(name, "pods side by side")
        length_s = min(TICK_S, plan.duration_s - now_s)
        expected = rate_at(now_s + length_s / 2) * length_s
        pods.have(ready)
        pods.stretch = control.stretch(in_flight, ready)
        if ready:
            _serve(pods, ready, expected, (now_s, length_s), random, tally)
        else:
            tally.refusals(now_s + length_s * random.random(random.poisson(expected)))
        now_s += length_s


def takes(service: Service, admitted: NDArray[np.int64], service_s: float) -> NDArray[np.bool_]:
    """Which pods let one more request in, by the requests in each: `service.admission.Admission.check` for many."""
    wait_s = np.maximum(0, admitted - service.workers + 1) * service_s / service.workers
    room = admitted < service.workers + service.queue
    found: NDArray[np.bool_] = (admitted == 0) | (room & (wait_s <= service.queue_deadline_s))
    return found


class _Pods:
    """State of the pods that take requests, a row each; `ends_s` holds when each request in a pod will be done."""

    def __init__(self, plan: Plan) -> None:
        self.service = plan.service
        self.stretch = 1.0
        self._mean_s = plan.service.mean_s
        self._room = plan.service.workers + plan.service.queue
        self.free_s = np.zeros((0, plan.service.workers))
        self.ends_s = np.zeros((0, self._room))

    def have(self, count: int) -> None:
        """Rows for so many pods: those beyond are forgotten, new ones begin empty."""
        more = max(0, count - len(self.free_s))
        self.free_s = np.vstack([self.free_s[:count], np.zeros((more, self.service.workers))])
        self.ends_s = np.vstack([self.ends_s[:count], np.zeros((more, self._room))])

    def in_flight(self, now_s: float, ready: int) -> int:
        return int((self.ends_s[:ready] > now_s).sum())

    def take(self, rows: NDArray[np.int64], at_s: Array, hold_s: Array) -> Array:
        """One request at each of the rows; its seconds until the answer, NaN where it was refused."""
        admitted = (self.ends_s[rows] > at_s[:, None]).sum(axis=1)
        ok = takes(self.service, admitted, self.stretch * self._mean_s)
        rows, at_ok, hold_ok = rows[ok], at_s[ok], hold_s[ok]
        worker = self.free_s[rows].argmin(axis=1)
        begin_s = np.maximum(at_ok, self.free_s[rows, worker])
        in_time = begin_s <= at_ok + self.service.queue_deadline_s
        end_s = begin_s + in_time * hold_ok  # what waited too long goes when its worker would begin
        self.free_s[rows, worker] = end_s
        # The slot of the earliest end belongs to a request that is done: there was room.
        slot = self.ends_s[rows].argmin(axis=1)
        self.ends_s[rows, slot] = end_s
        latency_s = np.full(len(ok), np.nan)
        latency_s[ok] = np.where(in_time, end_s - at_ok + self.service.overhead_s, np.nan)
        return latency_s


def _serve(
    pods: _Pods,
    ready: int,
    expected: float,
    tick: tuple[float, float],
    random: np.random.Generator,
    tally: Tally,
) -> None:
    """All arrivals between two ticks."""
    start_s, length_s = tick
    counts = random.poisson(expected / ready, ready)
    most = int(counts.max(initial=0))
    at_s = random.random((most, ready))
    at_s[np.arange(most)[:, None] >= counts] = np.inf
    at_s.sort(axis=0)
    at_s = start_s + length_s * at_s
    hold_s = pods.stretch * service_times(pods.service, random.random((most, ready)))
    latency_s = np.full((most, ready), np.nan)
    for step in range(most):
        rows = np.flatnonzero(counts > step)
        latency_s[step, rows] = pods.take(rows, at_s[step, rows], hold_s[step, rows])
    arrived = np.isfinite(at_s)
    taken = ~np.isnan(latency_s)
    tally.answers(at_s[taken], latency_s[taken])
    tally.refusals(at_s[arrived & ~taken])
