"""The detector of one process: a compute thread and a model session a core, and a bounded queue before them."""

import asyncio
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from service import cpu, problems, results, schema
from service.decode import MOST_PEAK_BYTES, Pixels, decode
from service.intake import Parameters, Photo
from service.memory import PixelRoom
from service.metrics import Metrics
from service.model.stored import StoredCard, read_card
from service.postprocess import Detections
from service.render import render
from service.results import Look
from service.runtimes import RuntimeName, Session, detect, open_session
from service.settings import Settings

_WARM_UP_RUNS = 3


S = TypeVar("S")
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
        self.model = schema.Model(name=self.stored.card.name, version=self.stored.version, runtime=self.runtime)
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
        return await self._all(self._detect, photos, parameters)

    async def find_all(
        self, images: Sequence[Photo | Pixels], parameters: Parameters
    ) -> list[Detections | problems.Problem]:
        """As `detect_all`, without the words: boxes, scores and classes as arrays. Pixels are upright RGB."""
        return await self._all(self._find, images, parameters)

    async def _all(
        self, work: Callable[[S, Parameters, float], T], images: Sequence[S], parameters: Parameters
    ) -> list[T | problems.Problem]:
        with self._room(len(images)):
            each = (self._on_thread(work, image, parameters) for image in images)
            found = await asyncio.gather(*each, return_exceptions=True)
        answers: list[T | problems.Problem] = []
        for one in found:
            if isinstance(one, BaseException) and not isinstance(one, problems.Problem):
                raise one
            answers.append(one)
        return answers

    def memory(self, count: int) -> AbstractContextManager[None]:
        """Room for `count` bytes among those that photos may take while they are judged; waits for it. Not for the
        event loop."""
        return self._pixels.hold(count)

    async def with_session(self, work: Callable[[Session], T]) -> T:
        """Run a short piece of work on a compute thread with a session, in turn with the photos of requests."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._lend, work)

    def _lend(self, work: Callable[[Session], T]) -> T:
        session = self._sessions.get()
        try:
            return work(session)
        finally:
            self._sessions.put(session)

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

    async def _on_thread(self, work: Callable[[S, Parameters, float], T], image: S, parameters: Parameters) -> T:
        arrived = time.perf_counter()
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, image, parameters, arrived)

    def _detect(self, photo: Photo, parameters: Parameters, arrived: float) -> schema.DetectResponse:
        with ExitStack() as held:
            return self._response(self._look(photo, parameters, arrived, held))

    def _draw(self, photo: Photo, parameters: Parameters, arrived: float) -> Drawn:
        with ExitStack() as held:
            look = self._look(photo, parameters, arrived, held)
            response = self._response(look)
            return Drawn(render(look.pixels, response.detections), response)

    def _find(self, image: Photo | Pixels, parameters: Parameters, arrived: float) -> Detections:
        with ExitStack() as held:
            return self._look(image, parameters, arrived, held).found

    def _look(self, image: Photo | Pixels, parameters: Parameters, arrived: float, held: ExitStack) -> Look:
        """Decode and detect; `held` keeps the room that the pixels take until they are of no more use."""
        marks = [time.perf_counter()]
        self._metrics.queue_wait.observe(marks[0] - arrived)
        pixels = self.decode(image, held) if isinstance(image, Photo) else image
        marks.append(time.perf_counter())
        found = self._lend(lambda session: _infer(session, pixels, parameters, marks))
        marks.append(time.perf_counter())
        look = Look(pixels, found, arrived, tuple(marks))
        self._measure(look, decoded=isinstance(image, Photo))
        return look

    def decode(self, photo: Photo, held: ExitStack) -> Pixels:
        """On a compute thread: upright pixels, with room for them in memory held until `held` is closed."""
        if len(photo.data) > self._settings.max_image_bytes:
            raise problems.too_large(self._settings.max_image_bytes)
        return decode(
            photo.data,
            photo.declared,
            self._settings.max_image_pixels,
            before=lambda count: held.enter_context(self._pixels.hold(count)),
        )

    def _measure(self, look: Look, decoded: bool) -> None:
        for name, seconds in look.spent_s.items():
            if decoded or name != "decode":
                self._metrics.stage.labels(name).observe(seconds)
        for class_id in look.found.classes:
            self._metrics.detections.labels(results.label_of(int(class_id), self.stored.card.labels)).inc()

    def _response(self, look: Look) -> schema.DetectResponse:
        return results.response(look, self.model, self.stored.card.labels)


def _infer(session: Session, pixels: Pixels, parameters: Parameters, marks: list[float]) -> Detections:
    prepared = session.prepare(pixels)
    marks.append(time.perf_counter())
    raw = session.infer(prepared)
    marks.append(time.perf_counter())
    return session.finish(raw, parameters.threshold, parameters.limit)
