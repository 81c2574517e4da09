"""The detector of one process: a compute thread and a model session a core, and a bounded queue before them."""

import queue
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from service import cpu, problems, results, schema, tracing
from service.admission import Admission
from service.compute import Compute, Gone
from service.decode import MOST_PEAK_BYTES, Decoded, Pixels, decode_reduced, whole
from service.intake import Parameters, Photo
from service.memory import PixelRoom
from service.metrics import Metrics
from service.model.stored import StoredCard, read_card
from service.postprocess import Detections
from service.problems import Problem
from service.render import render
from service.results import Answer, Look
from service.runtimes import RuntimeName, Session, detect, open_session
from service.settings import Settings
from service.watch import Watch

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
        self.model = schema.Model(name=self.stored.card.name, version=self.stored.version, runtime=self.runtime)
        self._sessions: queue.SimpleQueue[Session] = queue.SimpleQueue()
        self.admission = Admission(self.threads, settings.queue, settings.queue_deadline_s)
        self._compute = Compute(self.threads, self.admission)
        metrics.queue.set_function(lambda: self.admission.waiting)
        self._pixels = PixelRoom(MOST_PEAK_BYTES * settings.max_image_pixels)
        self.needed = self.stored.needed(self.runtime)
        """Height and width that photos are decoded to at least; None where they are decoded whole."""
        self._watch = Watch(metrics, self.stored.profile)
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
        self._compute.close()

    def check(self) -> None:
        """Before a request's body is read: Problem 503 when there is no model to show a photo to, or no room or no
        time for one more. Nothing is held for it yet, or slow clients would hold all there is."""
        if not self.loaded:
            raise problems.not_ready("The model is not loaded.")
        self.admission.check()

    async def detect(self, photo: Photo, parameters: Parameters, gone: Gone | None = None) -> Answer:
        """Decode a photo and detect on it. Problem when it cannot be read or not in time; `gone` as in `compute.py`."""
        return _good(*await self._compute.each([partial(self._detect, photo, parameters)], gone))

    async def draw(self, photo: Photo, parameters: Parameters, gone: Gone | None = None) -> Drawn:
        """As `detect`, and draw on the photo."""
        return _good(*await self._compute.each([partial(self._draw, photo, parameters)], gone))

    async def detect_all(
        self, photos: list[Photo], parameters: Parameters, gone: Gone | None = None
    ) -> list[Answer | Problem]:
        """Each photo's result or its problem, in order; the batch is taken as a whole or not at all."""
        return await self._compute.each([partial(self._detect, photo, parameters) for photo in photos], gone)

    async def find_all(
        self, images: Sequence[Photo | Pixels], parameters: Parameters, gone: Gone | None = None
    ) -> list[Detections | Problem]:
        """As `detect_all`, without the words: boxes, scores and classes as arrays. Pixels are upright RGB."""
        return await self._compute.each([partial(self._find, image, parameters) for image in images], gone)

    def memory(self, count: int) -> AbstractContextManager[None]:
        """Room for `count` bytes among those that photos may take while they are judged; waits for it. Not for the
        event loop."""
        return self._pixels.hold(count)

    def encoding(self) -> AbstractContextManager[object]:
        """Times the making of an answer out of what was found."""
        return self._metrics.stage.labels("encoding").time()

    async def with_session(self, work: Callable[[Session], T]) -> T:
        """Run a short piece of work on a compute thread with a session, in turn with the photos of requests."""
        return await self._compute.beside(partial(self._lend, work))

    def _lend(self, work: Callable[[Session], T]) -> T:
        session = self._sessions.get()
        try:
            return work(session)
        finally:
            self._sessions.put(session)

    def _detect(self, photo: Photo, parameters: Parameters, arrived: float) -> Answer:
        with ExitStack() as held:
            look = self._look(photo, parameters, arrived, held)
            with self.encoding():
                return results.answer(look, self.model, self.stored.card.labels)

    def _draw(self, photo: Photo, parameters: Parameters, arrived: float) -> Drawn:
        with ExitStack() as held:
            look = self._look(photo, parameters, arrived, held)
            with self.encoding():
                response = results.response(look, self.model, self.stored.card.labels)
                # What is drawn is what a detection answers, so the whole photo is decoded for nothing but drawing.
                original = look.photo if look.photo.whole else self.decode(photo, held, None)
                return Drawn(render(original.pixels, response.detections), response)

    def _find(self, image: Photo | Pixels, parameters: Parameters, arrived: float) -> Detections:
        with ExitStack() as held:
            return self._look(image, parameters, arrived, held).found

    def _look(self, image: Photo | Pixels, parameters: Parameters, arrived: float, held: ExitStack) -> Look:
        """Decode and detect; `held` keeps the room that the pixels take until they are of no more use."""
        marks = [time.perf_counter()]
        self._metrics.queue_wait.observe(marks[0] - arrived)
        photo = self.decode(image, held, self.needed) if isinstance(image, Photo) else whole(image)
        marks.append(time.perf_counter())
        found = self._lend(lambda session: _infer(session, photo.pixels, parameters, marks))
        marks.append(time.perf_counter())
        intake_s = image.intake_s if isinstance(image, Photo) else 0.0
        look = Look(photo, found, intake_s, arrived, tuple(marks))
        self._measure(look, parameters, decoded=isinstance(image, Photo))
        return look

    def decode(self, photo: Photo, held: ExitStack, needed: tuple[int, int] | None) -> Decoded:
        """On a compute thread: upright pixels, at least `needed` (height, width) or whole, with room for them in memory
        held until `held` is closed."""
        if len(photo.data) > self._settings.max_image_bytes:
            raise problems.too_large(self._settings.max_image_bytes)
        return decode_reduced(
            photo.data,
            photo.declared,
            self._settings.max_image_pixels,
            needed,
            before=lambda count: held.enter_context(self._pixels.hold(count)),
        )

    def _measure(self, look: Look, parameters: Parameters, decoded: bool) -> None:
        for name, seconds in look.spent_s.items():
            if decoded or name not in ("intake", "decode"):
                self._metrics.stage.labels(name).observe(seconds)
        for class_id in look.found.classes:
            self._metrics.detections.labels(results.label_of(int(class_id), self.stored.card.labels)).inc()
        self._watch.see(look.photo.pixels, look.photo.width * look.photo.height, look.found, parameters)
        tracing.stages(look)


def _good(answer: T | Problem) -> T:
    if isinstance(answer, Problem):
        raise answer
    return answer


def _infer(session: Session, pixels: Pixels, parameters: Parameters, marks: list[float]) -> Detections:
    prepared = session.prepare(pixels)
    marks.append(time.perf_counter())
    raw = session.infer(prepared)
    marks.append(time.perf_counter())
    return session.finish(raw, parameters.threshold, parameters.limit)
