"""How a HorizontalPodAutoscaler decides. Pure but for the memory of its own recommendations and changes.

As Kubernetes documents it: "Horizontal Pod Autoscaling", algorithm details and configurable scaling behavior (v2).
"""

import math
from collections import deque

from loadtest.simulation.plan import Autoscaling, Policy


class Autoscaler:
    """Called once a sync period with what was measured."""

    def __init__(self, settings: Autoscaling) -> None:
        self._settings = settings
        self._recommended: deque[tuple[float, int]] = deque()
        self._changes: list[tuple[float, int]] = []

    def decide(self, now_s: float, current: int, measured: int, mean_in_flight: float | None) -> int:
        """The replicas wanted from now on.

        `current` is what is wanted at present, of which `measured` pods have a metric, with that mean; None when
        nothing could be read, and then nothing changes.
        """
        if mean_in_flight is None or measured == 0:
            return current
        wanted = self._stabilized(now_s, current, _by_ratio(self._settings, current, measured, mean_in_flight))
        wanted = self._limited(now_s, current, wanted)
        wanted = min(max(wanted, self._settings.least), self._settings.most)
        if wanted != current:
            self._changes.append((now_s, wanted - current))
        return wanted

    def _stabilized(self, now_s: float, current: int, recommended: int) -> int:
        """Upwards no more than the smallest recommendation of the window, downwards no less than the largest."""
        self._recommended.append((now_s, recommended))
        up, down = self._settings.up.stabilization_s, self._settings.down.stabilization_s
        while now_s - self._recommended[0][0] > max(up, down):
            self._recommended.popleft()
        smallest = min(count for at, count in self._recommended if now_s - at <= up)
        largest = max(count for at, count in self._recommended if now_s - at <= down)
        return min(max(current, smallest), largest)

    def _limited(self, now_s: float, current: int, wanted: int) -> int:
        """Cut to what the policies allow in their periods."""
        if wanted > current:
            return min(wanted, max(self._most(now_s, current, policy) for policy in self._settings.up.policies))
        if wanted < current:
            return max(wanted, min(self._fewest(now_s, current, policy) for policy in self._settings.down.policies))
        return wanted

    def _most(self, now_s: float, current: int, policy: Policy) -> int:
        before = current - self._changed(now_s, policy)
        return before + policy.value if policy.kind == "Pods" else math.ceil(before * (1 + policy.value / 100))

    def _fewest(self, now_s: float, current: int, policy: Policy) -> int:
        before = current - self._changed(now_s, policy)
        return before - policy.value if policy.kind == "Pods" else int(before * (1 - policy.value / 100))

    def _changed(self, now_s: float, policy: Policy) -> int:
        return sum(change for at, change in self._changes if now_s - at < policy.period_s)


def _by_ratio(settings: Autoscaling, current: int, measured: int, mean: float) -> int:
    """Replicas that would bring the mean to the target. Pods without a metric count as idle when more are wanted and as
    at the target when fewer are, so that neither direction is exaggerated."""
    ratio = mean / settings.target_in_flight
    if abs(ratio - 1) <= settings.tolerance:
        return current
    missing = max(0, current - measured)
    if not missing:
        return math.ceil(round(ratio * measured, 9))
    assumed = mean * measured + (0.0 if ratio > 1 else settings.target_in_flight * missing)
    damped = assumed / (settings.target_in_flight * current)
    if abs(damped - 1) <= settings.tolerance or (damped > 1) != (ratio > 1):
        return current
    return math.ceil(round(damped * current, 9))
