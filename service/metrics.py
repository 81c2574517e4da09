"""The service's Prometheus metrics, in a registry of their own; names come from the shared contract."""

import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lookout import contract
from service.problems import OVERLOADS

_BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
_BUCKETS_RATIO: Final = tuple(tenth / 10 for tenth in range(1, 11))
_BUCKETS_SCORE: Final = (*_BUCKETS_RATIO[:-1], 0.95, 1.0)
_BUCKETS_PHOTOS: Final = (1, 2, 4, 8, 16, 32, 64)
_BUCKETS_PIXELS: Final = (1e5, 3e5, 1e6, 3e6, 1e7, 2e7, 4e7)
CODES: Final = ("2xx", "4xx", "5xx")
STAGES: Final = ("intake", "queue", "decode", "preprocess", "inference", "postprocess", "encoding")
"""Of one photo, in order: body read, wait for a worker, the work there, and the answer made of what was found.
A photo of a batch has the whole body's intake; one that is sent as pixels has no decode. One that shared its run has
the whole run's inference, and its waits for the others in preprocess and postprocess: where its time went, which is no
longer what it cost."""
_TOGETHER: Final = 36
"""What is counted together at the latest, of a dozen photos: more would hold up whoever comes meanwhile."""


class Later(Collector):
    """What is to be counted, until there are many: one after the other, in warm caches, costs a fifth of what it costs
    between a photo's other work. Whoever collects the registry gets it counted first."""

    def __init__(self) -> None:
        self._counts: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()

    def __call__(self, count: Callable[..., None], *values: object) -> None:
        """Call `count` with the values by the time that somebody looks."""
        self._counts.append((count, values))
        if len(self._counts) >= _TOGETHER:
            self.collect()

    def collect(self) -> Iterable[Metric]:
        """Count. No metrics of its own."""
        while self._counts:
            count, values = self._counts.popleft()
            count(*values)
        return ()


class Metrics:
    """Everything that is measured."""

    content_type: Final = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.later = Later()
        self.registry.register(self.later)  # first: a registry collects in this order
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        process = Gauge(contract.METRIC_PROCESS, "Who this is", ["pod"], registry=self.registry)
        process.labels(socket.gethostname()).set(1)
        self.in_flight = Gauge(contract.METRIC_IN_FLIGHT, "API requests being worked on", registry=self.registry)
        self.queue_wait = Histogram(
            contract.METRIC_QUEUE_WAIT,
            "Wait of a photo for a worker",
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self.queue = Gauge(contract.METRIC_QUEUE, "Photos that wait for a worker", registry=self.registry)
        self.workers = Gauge(contract.METRIC_WORKERS, "Workers that have the model loaded", registry=self.registry)
        self.workers_lost = Counter(
            contract.METRIC_WORKERS_LOST.removesuffix("_total"),
            "Workers that ended without being told to, and were replaced",
            registry=self.registry,
        )
        self.run_photos = Histogram(
            contract.METRIC_RUN_PHOTOS,
            "Photos that shared one run of the model, where several may",
            buckets=_BUCKETS_PHOTOS,
            registry=self.registry,
        )
        self.refused = Counter(
            contract.METRIC_REFUSED.removesuffix("_total"),
            "API requests refused for want of room or time",
            ["reason"],
            registry=self.registry,
        )
        self.stage = Histogram(
            contract.METRIC_STAGE,
            "Time of one stage on one photo",
            ["stage"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self.requests = Counter(
            contract.METRIC_REQUESTS.removesuffix("_total"),
            "API requests by status",
            ["status"],
            registry=self.registry,
        )
        self.request_time = Histogram(
            contract.METRIC_REQUEST_SECONDS,
            "API requests from their first header to the end of the answer, by class of status",
            ["code"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self.detections = Counter(
            contract.METRIC_DETECTIONS.removesuffix("_total"),
            "Objects found by label",
            ["label"],
            registry=self.registry,
        )
        self.score = Histogram(
            contract.METRIC_SCORE,
            "Scores of the objects found: none below the threshold that was asked for",
            buckets=_BUCKETS_SCORE,
            registry=self.registry,
        )
        self.pixels = Histogram(
            contract.METRIC_PIXELS,
            "Width times height of photos as sent",
            buckets=_BUCKETS_PIXELS,
            registry=self.registry,
        )
        self.brightness = Histogram(
            contract.METRIC_BRIGHTNESS,
            "Mean luma of photos, 0 black to 1 white",
            buckets=_BUCKETS_RATIO,
            registry=self.registry,
        )
        # Looked up once: each look-up takes a lock and checks its labels, which is dearer than counting.
        self.stages = {stage: self.stage.labels(stage) for stage in STAGES}
        """The histogram of each stage."""
        # From the start, too: a counter that appears with its first count has no rate yet.
        self.refusals = {reason: self.refused.labels(reason) for reason in OVERLOADS}
        """The counter of each reason."""
        self._request_times = {code: self.request_time.labels(code) for code in CODES}
        self._requests: dict[int, Counter] = {}

    def count_request(self, status: int, seconds: float) -> None:
        """Count one API request that ended with this status after this time."""
        if status not in self._requests:
            self._requests[status] = self.requests.labels(str(status))
        self._requests[status].inc()
        self._request_times[f"{status // 100}xx"].observe(seconds)

    def text(self) -> bytes:
        """The exposition that /metrics answers."""
        return generate_latest(self.registry)
