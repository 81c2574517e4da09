"""The loop around the pods: metrics are collected, the autoscaler decides late and seldom, the fleet follows.

Both ways to simulate requests share it, so that they differ in nothing but how requests meet pods.
"""

from collections import deque
from typing import Final

from loadtest.simulation.autoscaler import Autoscaler
from loadtest.simulation.fleet import Fleet
from loadtest.simulation.plan import METRIC_WINDOW_S, Plan

TICK_S: Final = 0.5
"""Pods appear and go, and metrics are collected, at multiples of this."""


class Control:
    """Told the number in flight at each tick; says how many pods take requests until the next."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._autoscaler = Autoscaler(plan.autoscaling)
        self.fleet = Fleet(plan.pool, plan.autoscaling.least)
        self._seen: deque[tuple[float, float]] = deque()
        """Time, and mean in flight over the pods that were ready then."""
        self._next_sync_s = plan.autoscaling.sync_s

    def tick(self, now_s: float, in_flight: int) -> int:
        """`in_flight` is the total over all ready pods. Returns the pods that are ready from now on."""
        ready = self.fleet.ready(now_s)
        if ready:
            self._seen.append((now_s, in_flight / ready))
        if now_s >= self._next_sync_s:
            self._next_sync_s += self._plan.autoscaling.sync_s
            self.fleet.wanted = self._autoscaler.decide(now_s, self.fleet.wanted, ready, self._metric(now_s))
        self.fleet.tick(now_s)
        return self.fleet.ready(now_s)

    def stretch(self, in_flight: int, ready: int) -> float:
        """How much longer requests take while more workers are busy than nodes have cores for them.

        Processor sharing, brought up to date at each tick: within one it takes no notice of who comes and goes.
        """
        cores = self._plan.pool.cores_per_node
        if cores is None:
            return 1.0
        busy = min(in_flight, ready * self._plan.service.workers)
        return max(1.0, busy / (cores * self.fleet.nodes))

    def _metric(self, now_s: float) -> float | None:
        """The mean over the metric's window as it was `metric_delay_s` ago."""
        newest = now_s - self._plan.autoscaling.metric_delay_s
        while self._seen and self._seen[0][0] < newest - METRIC_WINDOW_S:
            self._seen.popleft()
        known = [mean for at, mean in self._seen if at <= newest]
        return sum(known) / len(known) if known else None
