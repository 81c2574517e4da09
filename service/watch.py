"""Watching the data: what photos and results look like, as histograms, and how far they have drifted, as a gauge."""

import threading
import time
from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lookout import contract
from service import drift
from service.intake import Parameters
from service.metrics import Metrics
from service.profile import Profile
from service.sight import Sight


class Watch:
    """Counts every photo that the detector looked at."""

    def __init__(
        self, metrics: Metrics, profile: Profile | None, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics, self._drift = metrics, Drift(profile, clock_s) if profile else None
        if self._drift:
            metrics.registry.register(self._drift)

    def see(self, sight: Sight, parameters: Parameters) -> None:
        """Count a photo and what was found on it."""
        self._metrics.pixels.observe(sight.pixels)
        self._metrics.brightness.observe(sight.brightness)
        for score in sight.scores:
            self._metrics.score.observe(score)
        if self._drift:
            self._drift.add(sight, parameters)


class Drift(Collector):
    """The window of recent photos. The index is worked out when somebody asks for the metrics, not for each photo."""

    def __init__(self, profile: Profile, clock_s: Callable[[], float]) -> None:
        self._profile, self._clock_s, self._lock = profile, clock_s, threading.Lock()
        self._window = drift.Window({feature: len(counts) for feature, counts in profile.counts().items()})

    def add(self, sight: Sight, parameters: Parameters) -> None:
        """Count one photo."""
        bins = self._profile.bins(sight, parameters.threshold, parameters.limit)
        with self._lock:
            self._window.add(self._clock_s(), bins)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges; a feature of which too little was seen has none."""
        with self._lock:
            now = self._clock_s()
            photos, counts = self._window.photos(now), self._window.counts(now)
        yield GaugeMetricFamily(contract.METRIC_DRIFT_PHOTOS, "Photos of the last hour, judged for drift", photos)
        family = GaugeMetricFamily(
            contract.METRIC_DRIFT,
            "Population stability index of the last hour's photos against the model's profile",
            labels=["feature"],
        )
        for feature, reference in self._profile.counts().items():
            value = drift.score(reference, counts[feature])
            if value is not None:
                family.add_metric([feature], value)
        yield family
