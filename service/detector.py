"""The detector of one process: a compute thread and a model session a core, and a bounded queue before them."""

import asyncio
import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from service import cpu, problems, schema
from service.decode import MOST_PEAK_BYTES, Pixels, decode
from service.intake import Parameters, Photo
from service.memory import PixelRoom
from service.metrics import Metrics
from service.model.stored import StoredCard, read_card
from service.postprocess import Detections
from service.render import render
from service.runtimes import RuntimeName, Session, detect, open_session
from service.settings import Settings

_WARM_UP_RUNS = 3


T = TypeVar("T")


@dataclass(frozen=True)
class Drawn:
    """What was found on one photo, and the photo as JPEG with that drawn on it."""

    jpeg: bytes
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
        self._pixels = PixelRoom(MOST_PEAK_BYTES * settings.max_image_pixels)
        self._admitted = 0
        self.loaded = False
        """Whether every thread has its session. Without, a photo would wait for one for ever."""

    def load(self) -> None:
        """Open a session for each thread and run each a few times, so that the first request is as fast as the rest."""
        grey = np.full((480, 640, 3), 128, np.uint8)
        for _ in range(self.threads):
            session = open_session(self.runtime, self._model_dir, self.stored.card)
            for _ in range(_WARM_UP_RUNS):
                detect(session, grey, 0.5, 1)
            self._sessions.put(session)
        self.loaded = True

    def close(self) -> None:
        """Finish what is running and stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def detect(self, photo: Photo, parameters: Parameters) -> schema.DetectResponse:
        """Decode a photo and detect on it. Problem when it cannot be read or too many are waiting."""
        with self._room(1):
            return await self._on_thread(self._detect, photo, parameters)

    async def draw(self, photo: Photo, parameters: Parameters) -> Drawn:
        """As `detect`, and draw on the photo."""
        with self._room(1):
            return await self._on_thread(self._draw, photo, parameters)

    async def detect_all(
        self, photos: list[Photo], parameters: Parameters
    ) -> list[schema.DetectResponse | problems.Problem]:
        """Each photo's result or its problem, in order; the batch is taken as a whole or not at all."""
        with self._room(len(photos)):
            work = (self._on_thread(self._detect, photo, parameters) for photo in photos)
            found = await asyncio.gather(*work, return_exceptions=True)
        results: list[schema.DetectResponse | problems.Problem] = []
        for one in found:
            if isinstance(one, BaseException) and not isinstance(one, problems.Problem):
                raise one
            results.append(one)
        return results

    @contextmanager
    def _room(self, photos: int) -> Iterator[None]:
        """Places in the queue for the length of a request. Whatever its size, one is taken when there is no other."""
        if self._admitted and self._admitted + photos > self.threads + self._settings.queue:
            raise problems.over_capacity()
        self._admitted += photos
        try:
            yield
        finally:
            self._admitted -= photos

    async def _on_thread(
        self, work: Callable[[Photo, Parameters, float], T], photo: Photo, parameters: Parameters
    ) -> T:
        arrived = time.perf_counter()
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, photo, parameters, arrived)

    def _detect(self, photo: Photo, parameters: Parameters, arrived: float) -> schema.DetectResponse:
        with ExitStack() as held:
            return self._look(photo, parameters, arrived, held)[1]

    def _draw(self, photo: Photo, parameters: Parameters, arrived: float) -> Drawn:
        with ExitStack() as held:
            pixels, response = self._look(photo, parameters, arrived, held)
            return Drawn(render(pixels, response.detections), response)

    def _look(
        self, photo: Photo, parameters: Parameters, arrived: float, held: ExitStack
    ) -> tuple[Pixels, schema.DetectResponse]:
        """Pixels and detections; `held` keeps the room that the pixels take until they are of no more use."""
        marks = [time.perf_counter()]
        self._metrics.queue_wait.observe(marks[0] - arrived)
        if len(photo.data) > self._settings.max_image_bytes:
            raise problems.too_large(self._settings.max_image_bytes)
        pixels = decode(
            photo.data,
            photo.declared,
            self._settings.max_image_pixels,
            before=lambda count: held.enter_context(self._pixels.hold(count)),
        )
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
        return pixels, self._response(pixels, found, arrived, marks)

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
