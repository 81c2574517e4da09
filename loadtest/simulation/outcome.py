"""What a simulation came to: every answer by second, in counts that stay small however many requests there were."""

import math
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from loadtest.simulation.plan import WHAT_IF, Plan

_LOWEST_S: Final = 1e-5
_BIN: Final = 1.01
"""Latencies are counted in bins one per cent wide, as an HDR histogram does; a percentile is its bin's middle."""
_BINS: Final = math.ceil(math.log(1000 / _LOWEST_S) / math.log(_BIN))

Array = NDArray[np.float64]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulatedSecond(_Frozen):
    """One second of the schedule; requests are counted in the second of their arrival."""

    at_s: int
    arrived: int
    refused: int
    late: int
    """Answered, and slower than the bound."""
    pods_wanted: int
    pods_ready: int
    nodes: int
    in_flight: float
    """At the end of the second, over all ready pods."""


class Outcome(_Frozen):
    """A what-if: the figures of one simulated run."""

    what_if: Literal["what-if (simulated): no request was sent, no pod was started"] = WHAT_IF
    plan: Plan
    arrivals: str
    mode: Literal["every request as an event", "pods side by side"]
    requests: int
    answered: int
    refused: int
    mean_ms: float | None
    p50_ms: float | None
    p99_ms: float | None
    p99_9_ms: float | None
    good_ratio: float
    """Share of all requests that were answered within the bound."""
    most_pods: int
    pod_hours: float
    most_nodes: int
    bad_s: int
    """Seconds in which more than 1 % of requests were refused or late."""
    seconds: tuple[SimulatedSecond, ...]


class Tally:
    """Takes latencies and refusals as they come."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        length = math.ceil(plan.duration_s)
        self._bins = np.zeros(_BINS + 1, np.int64)
        self._sum_s = 0.0
        self.arrived, self.refused, self.late = (np.zeros(length, np.int64) for _ in range(3))
        self._state: list[tuple[int, int, int, float]] = [(0, 0, 0, 0.0)] * length

    def answers(self, arrival_s: Array, latency_s: Array) -> None:
        """Requests that were taken."""
        self._sum_s += float(latency_s.sum())
        place = np.log(np.maximum(latency_s, _LOWEST_S) / _LOWEST_S) / math.log(_BIN)
        self._bins += np.bincount(np.minimum(place.astype(np.int64), _BINS), minlength=_BINS + 1)
        self._count(self.arrived, arrival_s)
        self._count(self.late, arrival_s[latency_s > self._plan.bound_s])

    def refusals(self, arrival_s: Array) -> None:
        """Requests that found no room, no time or no pod."""
        self._count(self.arrived, arrival_s)
        self._count(self.refused, arrival_s)

    def state(self, now_s: float, wanted: int, ready: int, nodes: int, in_flight: float) -> None:
        """What there was at a tick; the last of a second stands for it."""
        second = math.ceil(now_s) - 1
        if 0 <= second < len(self._state):
            self._state[second] = (wanted, ready, nodes, in_flight)

    def outcome(self, arrivals: str, mode: Literal["every request as an event", "pods side by side"]) -> Outcome:
        """All figures."""
        answered, total = int(self._bins.sum()), int(self.arrived.sum())
        late, refused = int(self.late.sum()), int(self.refused.sum())
        bad = (self.refused + self.late) > 0.01 * self.arrived
        return Outcome(
            plan=self._plan,
            arrivals=arrivals,
            mode=mode,
            requests=total,
            answered=answered,
            refused=refused,
            mean_ms=1000 * self._sum_s / answered if answered else None,
            p50_ms=self._percentile(50),
            p99_ms=self._percentile(99),
            p99_9_ms=self._percentile(99.9),
            good_ratio=(total - late - refused) / total if total else 1.0,
            most_pods=max(ready for _, ready, _, _ in self._state),
            pod_hours=sum(wanted for wanted, _, _, _ in self._state) / 3600,
            most_nodes=max(nodes for _, _, nodes, _ in self._state),
            bad_s=int(bad.sum()),
            seconds=tuple(self._second(i) for i in range(len(self._state))),
        )

    def _second(self, i: int) -> SimulatedSecond:
        wanted, ready, nodes, in_flight = self._state[i]
        return SimulatedSecond(
            at_s=i,
            arrived=int(self.arrived[i]),
            refused=int(self.refused[i]),
            late=int(self.late[i]),
            pods_wanted=wanted,
            pods_ready=ready,
            nodes=nodes,
            in_flight=in_flight,
        )

    def _count(self, into: NDArray[np.int64], at_s: Array) -> None:
        seconds = np.minimum(at_s.astype(np.int64), len(into) - 1)
        into += np.bincount(seconds, minlength=len(into))

    def _percentile(self, percent: float) -> float | None:
        """None where there are too few answers for it to differ from the largest."""
        total = int(self._bins.sum())
        if total < 100 / (100 - percent):
            return None
        place = int(np.searchsorted(np.cumsum(self._bins), percent / 100 * total))
        return float(1000 * _LOWEST_S * _BIN ** (place + 0.5))
