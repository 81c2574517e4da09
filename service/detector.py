"""The detector of one process: a compute thread and a model session a core, and a bounded queue before them."""

import asyncio
import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from service import cpu, problems, schema
from service.decode import Pixels, decode
from service.intake import Parameters, Photo
from service.metrics import Metrics
from service.model.stored import StoredCard, read_card
from service.postprocess import Detections
from service.runtimes import RuntimeName, Session, detect, open_session
from service.settings import Settings

_WARM_UP_RUNS = 3

T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """What was found on one photo, and the photo itself for whoever draws on it."""

    pixels: Pixels
    response: schema.DetectResponse


class Detector:
    """Detects on photos. All heavy work runs on its own threads; the event loop only waits."""

    def __init__(self, model: Path, settings: Settings, metrics: Metrics) -> None:
        self._model_dir, self._settings, self._metrics = model, settings, metrics
        self.stored: StoredCard = read_card(model)
        self.runtime: RuntimeName = settings.runtime or self.stored.runtime
        self.threads = settings.threads or cpu.usable_cores()
        self._model = schema.Model(name=self.stored.card.name, version=self.stored.version, runtime=self.runtime)
        self._sessions: queue.SimpleQueue[Session] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="compute")
        self._admitted = 0

    def load(self) -> None:
        """Open a session for each thread and run each a few times, so that the first request is as fast as the rest."""
        grey = np.full((480, 640, 3), 128, np.uint8)
        for _ in range(self.threads):
            session = open_session(self.runtime, self._model_dir, self.stored.card)
            for _ in range(_WARM_UP_RUNS):
                detect(session, grey, 0.5, 1)
            self._sessions.put(session)

    def close(self) -> None:
        """Finish what is running and stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def detect(self, photo: Photo, parameters: Parameters) -> Seen:
        """Decode a photo and detect on it. Problem when it cannot be read or too many are waiting."""
        with self._room(1):
            return await self._detect(photo, parameters)

    async def detect_all(self, photos: list[Photo], parameters: Parameters) -> list[Seen | problems.Problem]:
        """Each photo's result or its problem, in order; the batch is taken as a whole or not at all."""
        with self._room(len(photos)):
            found = await asyncio.gather(*(self._detect(photo, parameters) for photo in photos), return_exceptions=True)
        results: list[Seen | problems.Problem] = []
        for one in found:
            if isinstance(one, BaseException) and not isinstance(one, problems.Problem):
                raise one
            results.append(one)
        return results

    async def on_thread(self, work: Callable[[], T]) -> T:
        """Run other heavy work, such as drawing, on the compute threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    @contextmanager
    def _room(self, photos: int) -> Iterator[None]:
        """Places in the queue for the length of a request."""
        if self._admitted + photos > self.threads + self._settings.queue:
            raise problems.over_capacity()
        self._admitted += photos
        try:
            yield
        finally:
            self._admitted -= photos

    async def _detect(self, photo: Photo, parameters: Parameters) -> Seen:
        arrived = time.perf_counter()
        return await self.on_thread(lambda: self._work(photo, parameters, arrived))

    def _work(self, photo: Photo, parameters: Parameters, arrived: float) -> Seen:
        marks = [time.perf_counter()]
        self._metrics.queue_wait.observe(marks[0] - arrived)
        if len(photo.data) > self._settings.max_image_bytes:
            raise problems.too_large(self._settings.max_image_bytes)
        pixels = decode(photo.data, photo.declared, self._settings.max_image_pixels)
        marks.append(time.perf_counter())
        session = self._sessions.get()
        try:
            prepared = session.prepare(pixels)
            marks.append(time.perf_counter())
            raw = session.infer(prepared)
            marks.append(time.perf_counter())
            found = session.finish(raw, parameters.threshold, parameters.limit)
        finally:
            self._sessions.put(session)
        marks.append(time.perf_counter())
        return Seen(pixels, self._response(pixels, found, arrived, marks))

    def _response(self, pixels: Pixels, found: Detections, arrived: float, marks: list[float]) -> schema.DetectResponse:
        height, width = pixels.shape[:2]
        spent = {
            name: marks[place + 1] - marks[place]
            for place, name in enumerate(("decode", "preprocess", "inference", "postprocess"))
        }
        for name, seconds in spent.items():
            self._metrics.stage.labels(name).observe(seconds)
        detections = [self._detection(found, index, width, height) for index in range(len(found))]
        for one in detections:
            self._metrics.detections.labels(one.label).inc()
        return schema.DetectResponse(
            model=self._model,
            image=schema.ImageSize(width=width, height=height),
            detections=detections,
            timing_ms=schema.Timing(
                queue=_ms(marks[0] - arrived),
                total=_ms(marks[-1] - arrived),
                **{name: _ms(value) for name, value in spent.items()},
            ),
        )

    def _detection(self, found: Detections, index: int, width: int, height: int) -> schema.Detection:
        y_min, x_min, y_max, x_max = (float(side) for side in found.boxes[index])
        number = int(found.classes[index])
        return schema.Detection(
            label=self.stored.card.labels.get(number, f"class {number}"),
            class_id=number,
            score=round(min(1.0, float(found.scores[index])), 4),
            box=schema.Box(
                x_min=round(x_min * width, 1),
                y_min=round(y_min * height, 1),
                x_max=round(x_max * width, 1),
                y_max=round(y_max * height, 1),
            ),
        )


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000, 3)
