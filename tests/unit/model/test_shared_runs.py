"""The real SavedModel on several photos a run: what it finds on each is what it finds on it alone."""

import io
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from service import messages, runs
from service.frames import Frame
from service.model import card as cards
from service.model import photos, stored
from service.model.importer import ImportedModel, import_model
from service.runtimes import BatchSession, detect, open_session
from service.settings import Settings
from service.work import Asked, Work

pytestmark = pytest.mark.xdist_group("tensorflow")
LARGE, SMALL = (640, 480), (320, 240)
ROOM = 10**9


@pytest.fixture(scope="module")
def model() -> ImportedModel:
    return import_model(cards.DEFAULT)


@pytest.fixture(scope="module")
def session(model: ImportedModel) -> BatchSession:
    found = open_session("tensorflow", model.path, stored.read_card(model.path).card)
    assert isinstance(found, BatchSession)
    return found


def fitted(size: tuple[int, int]) -> list[Image.Image]:
    """The sample photos and their mirror images, all of that size."""
    images = [ImageOps.fit(Image.fromarray(pixels), size) for pixels in photos.sample_pixels().values()]
    return images + [ImageOps.mirror(one) for one in images]


def jpeg(image: Image.Image) -> bytes:
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=90)
    return sink.getvalue()


def test_a_run_on_several_photos_finds_what_runs_on_each_find(session: BatchSession) -> None:
    images = [np.asarray(one) for one in fitted(LARGE)]
    assert session.takes_many
    parts = session.apart(session.infer(session.prepare_all(images)))
    found = [session.finish(part, 0.3, 100) for part in parts]
    assert sum(len(one) for one in found) >= len(images)
    for image, together in zip(images, found, strict=True):
        alone = detect(session, image, 0.3, 100)
        assert together.classes.tolist() == alone.classes.tolist()
        assert together.boxes == pytest.approx(alone.boxes, abs=1e-4)
        assert together.scores == pytest.approx(alone.scores, abs=1e-4)


def test_photos_of_two_sizes_and_one_that_is_none_have_the_answers_that_they_have_alone(
    session: BatchSession, model: ImportedModel
) -> None:
    work = Work(session, stored.read_card(model.path), "tensorflow", Settings(max_batch=16))
    assert work.batch == 16
    sent = [jpeg(one) for pair in zip(fitted(LARGE), fitted(SMALL), strict=True) for one in pair]
    sent.insert(3, sent[0][:2000])
    frames = [messages.photo(data, Asked("detect", "", 0.3, 100, 0.0, time.perf_counter())) for data in sent]
    answers = dict(runs.answers(work, frames, ROOM, lambda _: pytest.fail("one went alone")))
    assert sorted(said.header["run"] for said in answers.values() if "run" in said.header) == [6, 6]
    for place, frame in enumerate(frames):
        problem = messages.read_problem(answers[place])
        assert (problem.status if problem else 200) == (400 if place == 3 else 200)
        if problem is None:
            assert detections(answers[place]) == pytest.approx(detections(alone(work, frame)), abs=0.1)


def alone(work: Work, frame: Frame) -> Frame:
    return messages.answer(*work.photo(*messages.read_photo(frame), lambda _: None))


def detections(said: Frame) -> Sequence[Any]:
    """Class, score and box in pixels of all that a body says was found, in one row."""
    found = json.loads(messages.read_answer(said).body)["detections"]
    return [number for one in found for number in (one["class_id"], one["score"], *one["box"].values())]
