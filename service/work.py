"""What a worker does with one photo: decode it, show it to the model, and make an answer of what was found."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from pydantic_core import to_json

from lookout import contract
from service import occlusion, problems, results, schema, sight
from service.decode import Decoded, Pixels, decode_reduced, whole
from service.model.stored import StoredCard
from service.postprocess import Detections, Floats
from service.render import render
from service.results import Answer, Look
from service.runtimes import BatchSession, RuntimeName, Session, detect
from service.settings import Settings

Kind = Literal["detect", "draw", "find"]
"""To be answered with JSON, with the annotated photo, or with what was found alone."""
Room = Callable[[int], None]
"""Called with the bytes that come next in memory, before they do; waits until there is room for them."""
_LEAST_SCORE: Final = 0.05
"""A score that fell below this counts as gone, to an explanation."""


class Asked(NamedTuple):
    """What is asked about one photo."""

    kind: Kind
    declared: str
    """Content type, empty when none was declared."""
    threshold: float
    limit: int
    intake_s: float
    arrived_s: float


@dataclass(frozen=True)
class Prepared:
    """A photo as the model sees it, and what it finds there."""

    inputs: occlusion.Inputs
    found: Detections
    width: int
    height: int


class Opened(NamedTuple):
    """A photo that is decoded, to be shown to the model beside others."""

    photo: Decoded
    asked: Asked
    began_s: float
    """When its decoding began and ended, as `time.perf_counter` says."""
    ended_s: float


class Ran(NamedTuple):
    """A run of the model on several photos."""

    raw: list[Any]
    """Of each, for the session to finish."""
    began_s: float
    """When the inference began and ended, as `time.perf_counter` says."""
    ended_s: float


class Work:
    """One model session, and everything that is done with it. It belongs to one thread."""

    def __init__(self, session: Session, stored: StoredCard, runtime: RuntimeName, settings: Settings) -> None:
        self._session, self._settings, self._labels = session, settings, stored.card.labels
        self._model = {"name": stored.card.name, "version": stored.version, "runtime": runtime}
        self._needed = stored.needed(runtime)
        self._many = session if isinstance(session, BatchSession) and session.takes_many else None
        self.batch = settings.max_batch if self._many else 1
        """Photos that go into one run at most."""

    def warm_up(self, runs: int) -> None:
        """Run the model so often on a photo, and once on as many as it takes: a first run takes longer than others."""
        grey = np.full((480, 640, 3), 128, np.uint8)
        for _ in range(runs):
            detect(self._session, grey, 0.5, 1)
        if self._many and self.batch > 1:
            self._many.infer(self._many.prepare_all([grey] * self.batch))

    def photo(self, data: bytes | Pixels, asked: Asked, room: Room) -> tuple[Answer, float]:
        """The answer about a photo, as it was sent or as upright RGB pixels, and the seconds that encoding it took.

        Problem when it cannot be read.
        """
        marks = [time.perf_counter()]
        photo = self._pixels(data, asked, room)
        marks.append(time.perf_counter())
        prepared = self._session.prepare(photo.pixels)
        marks.append(time.perf_counter())
        raw = self._session.infer(prepared)
        marks.append(time.perf_counter())
        found = self._session.finish(raw, asked.threshold, asked.limit)
        marks.append(time.perf_counter())
        look = _look(photo, found, asked, tuple(marks))
        started = time.perf_counter()
        if asked.kind == "draw" and not photo.whole:
            # What is drawn is what a detection answers, so the whole photo is decoded for nothing but drawing.
            del photo  # it has to go first: there is room for one
            photo = self._decode(bytes(data), asked.declared, room, None)
        body = self._body(look, photo.pixels, asked.kind)
        return Answer(look, body), time.perf_counter() - started

    def open(self, data: bytes | Pixels, asked: Asked, room: Room) -> Opened:
        """Decode a photo for `together`. Problem as for `photo`, and what `room` raises."""
        began = time.perf_counter()
        photo = self._pixels(data, asked, room)
        return Opened(photo, asked, began, time.perf_counter())

    def together(self, run: Sequence[Opened]) -> Ran:
        """One run of the model on photos of one size; only where `batch` is more than 1."""
        if self._many is None:
            raise ValueError("this session takes one photo at a time")
        prepared = self._many.prepare_all([one.photo.pixels for one in run])
        begins = time.perf_counter()
        raw = self._many.infer(prepared)
        return Ran(self._many.apart(raw), begins, time.perf_counter())

    def answer(self, opened: Opened, ran: Ran, place: int) -> tuple[Answer, float]:
        """What `photo` gives, for photo `place` of a run; not for one that is to be drawn.

        Its stages follow each other as they do for a photo alone, so they hold what it waited for: preprocess until all
        were decoded, inference is the whole run's, and postprocess has that of those before it.
        """
        found = self._session.finish(ran.raw[place], opened.asked.threshold, opened.asked.limit)
        finished = time.perf_counter()
        marks_s = (opened.began_s, opened.ended_s, ran.began_s, ran.ended_s, finished)
        look = _look(opened.photo, found, opened.asked, marks_s)
        body = self._body(look, opened.photo.pixels, opened.asked.kind)
        return Answer(look, body), time.perf_counter() - finished

    def prepare(self, data: bytes, declared: str, room: Room) -> Prepared:
        """The first step of an explanation. Problem as for `photo`."""
        photo = self._decode(data, declared, room, self._needed)
        inputs = self._session.prepare(photo.pixels)
        return Prepared(np.array(inputs), self._found(inputs), photo.width, photo.height)

    def without(self, inputs: occlusion.Inputs, patch: Floats) -> Detections:
        """What is found when a patch, ymin, xmin, ymax, xmax in 0..1, of a prepared photo is hidden."""
        return self._found(occlusion.hidden(inputs, patch))

    def _found(self, inputs: occlusion.Inputs) -> Detections:
        return self._session.finish(self._session.infer(inputs), _LEAST_SCORE, contract.MAX_LIMIT)

    def _body(self, look: Look, pixels: Pixels, kind: Kind) -> bytes:
        if kind == "find":
            return b""
        if kind == "detect":
            return to_json(results.response(look, self._model, self._labels))
        found = results.detections(look.found, look.width, look.height, self._labels)
        return render(pixels, [schema.Detection.model_validate(one) for one in found])

    def _pixels(self, data: bytes | Pixels, asked: Asked, room: Room) -> Decoded:
        """A photo as large as the model needs it, or the pixels that came in its place."""
        return whole(data) if isinstance(data, np.ndarray) else self._decode(data, asked.declared, room, self._needed)

    def _decode(self, data: bytes, declared: str, room: Room, needed: tuple[int, int] | None) -> Decoded:
        """Upright pixels, at least `needed` (height, width) or whole."""
        if len(data) > self._settings.max_image_bytes:
            raise problems.too_large(self._settings.max_image_bytes)
        return decode_reduced(data, declared, self._settings.max_image_pixels, needed, before=room)


def _look(photo: Decoded, found: Detections, asked: Asked, marks_s: tuple[float, ...]) -> Look:
    brightness = sight.brightness(photo.pixels)
    return Look(photo.width, photo.height, brightness, found, asked.intake_s, asked.arrived_s, marks_s)
