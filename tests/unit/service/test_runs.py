"""Photos that a worker was handed together: which of them share a run of the model, and what each is told."""

import io
import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookout import contract
from service import messages, runs, schema
from service.decode import PEAK_BYTES, Pixels
from service.frames import Frame
from service.model import card as cards
from service.model.stored import StoredCard
from service.postprocess import Detections
from service.problems import Problem
from service.settings import Settings
from service.work import Asked, Work
from tests.unit.service.conftest import ClientFactory

SMALL, WIDE = (40, 30), (60, 30)
PEAK = SMALL[0] * SMALL[1] * PEAK_BYTES["JPEG"]
"""Bytes of the share that a small photo takes."""


class Brightness:
    """A session that finds two objects, scored by the photo's red; `ran` has the number of photos of each run."""

    def __init__(self, *, takes_many: bool = True, fails: bool = False) -> None:
        self.takes_many, self._fails, self.ran = takes_many, fails, list[int]()

    def prepare(self, image: Pixels) -> Any:
        return self.prepare_all([image])

    def prepare_all(self, images: Sequence[Pixels]) -> Any:
        return np.stack(images)

    def infer(self, prepared: Any) -> Any:
        self.ran.append(len(prepared))
        if self._fails and len(prepared) > 1:
            raise MemoryError("too many at once")
        time.sleep(0.01)
        return prepared[..., 0].mean((1, 2)) / 255

    def apart(self, raw: Any) -> list[Any]:
        return [raw[place : place + 1] for place in range(len(raw))]

    def finish(self, raw: Any, threshold: float, limit: int) -> Detections:
        boxes = np.array([[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0]], np.float32)
        scores = np.array([raw[0], raw[0] / 2], np.float32)
        return Detections(boxes, scores, np.array([17, 67])).first(limit, threshold)


def work(session: Any, **settings: Any) -> Work:
    stored = StoredCard(card=cards.load(), version="0123456789ab", runtime="litert-int8")
    return Work(session, stored, "tensorflow", Settings(**settings))


def jpeg(red: int, size: tuple[int, int] = SMALL) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", size, (red, 0, 0)).save(sink, "JPEG")
    return sink.getvalue()


def photo(data: bytes | Pixels, threshold: float = 0.0, limit: int = 10) -> Frame:
    return messages.photo(data, Asked("detect", "", threshold, limit, 0.0, time.perf_counter()))


def answered(
    session: Brightness, photos: list[Frame], share: int = 100 * PEAK
) -> tuple[list[Frame], list[int], list[int]]:
    """The answers in the order of the photos, their places in the order in which they came, and which went alone."""
    worker, alone = work(session), list[int]()

    def one(frame: Frame) -> Frame:
        alone.append(photos.index(frame))
        try:
            return messages.answer(*worker.photo(*messages.read_photo(frame), lambda _: None))
        except Problem as error:
            return messages.failed(error)

    came = list(runs.answers(worker, photos, share, one))
    places = [place for place, _ in came]
    assert sorted(places) == list(range(len(photos)))
    return [said for _, said in sorted(came, key=lambda one: one[0])], places, alone


def scores(said: Frame) -> list[float]:
    return [float(score) for score in messages.read_answer(said).said.look().found.scores]


def test_photos_of_one_size_share_a_run_and_each_has_the_answer_that_it_has_alone() -> None:
    photos = [photo(jpeg(200)), photo(jpeg(100), 0.3), photo(jpeg(250), 0.0, 1), photo(jpeg(50), 0.9)]
    session = Brightness()
    together, _, alone = answered(session, photos)
    assert (session.ran, alone) == ([4], [])
    assert [len(scores(said)) for said in together] == [2, 1, 1, 0]
    for frame, said in zip(photos, together, strict=True):
        (single,), _, _ = answered(Brightness(), [frame])
        assert scores(said) == pytest.approx(scores(single))
        one, other = (messages.read_answer(each).said.look() for each in (said, single))
        assert (one.width, one.height, one.brightness) == (other.width, other.height, other.brightness)


def test_each_size_has_a_run_of_its_own_pixels_as_well_as_photos() -> None:
    session = Brightness()
    bare = np.full((SMALL[1], SMALL[0], 3), 200, np.uint8)
    photos = [photo(jpeg(200)), photo(jpeg(100, WIDE)), photo(bare), photo(jpeg(50, WIDE)), photo(jpeg(0))]
    said, places, _ = answered(session, photos)
    assert session.ran == [3, 2]
    assert places == [0, 2, 4, 1, 3]
    assert scores(said[2])[0] == pytest.approx(200 / 255)


def test_a_photo_that_cannot_be_read_has_its_problem_and_the_others_their_answers() -> None:
    session = Brightness()
    said, _, _ = answered(session, [photo(jpeg(200)), photo(b"GIF89a"), photo(jpeg(100)[:300]), photo(jpeg(100))])
    problems = [messages.read_problem(one) for one in said]
    assert [one and one.status for one in problems] == [None, 415, 400, None]
    assert [scores(said[place])[0] for place in (0, 3)] == pytest.approx([200 / 255, 100 / 255], abs=0.02)
    assert session.ran == [2]


def test_what_is_decoded_together_stays_within_the_share() -> None:
    session = Brightness()
    _, places, alone = answered(session, [photo(jpeg(red)) for red in range(0, 250, 50)], share=2 * PEAK)
    assert (session.ran, places, alone) == ([2, 2, 1], [0, 1, 2, 3, 4], [4])


def test_a_photo_larger_than_the_share_goes_alone_after_the_others() -> None:
    session = Brightness()
    photos = [photo(jpeg(10, WIDE)), photo(jpeg(100)), photo(jpeg(20, WIDE)), photo(jpeg(50))]
    _, places, alone = answered(session, photos, share=PEAK + PEAK // 4)
    assert (session.ran, places, alone) == ([1, 1, 1, 1], [1, 3, 0, 2], [0, 2])


def test_a_run_that_fails_is_an_error_of_its_photos_and_of_no_others() -> None:
    session = Brightness(fails=True)
    said, _, _ = answered(session, [photo(jpeg(1)), photo(jpeg(2, WIDE)), photo(jpeg(3))])
    assert ["too many at once" in one.header.get("error", "") for one in said] == [True, False, True]
    assert len(scores(said[1])) == 2


def test_a_photo_occupies_the_worker_for_its_own_steps_and_its_part_of_the_run() -> None:
    started = time.perf_counter()
    said, _, _ = answered(Brightness(), [photo(jpeg(red)) for red in range(8)])
    lasted_s = time.perf_counter() - started
    busy = [one.header["busy_s"] for one in said]
    assert [one.header.get("run") for one in said] == [8, *[None] * 7]
    assert 0.01 <= sum(ended - began for began, ended in busy) <= lasted_s
    assert all(began <= later for (began, _), (later, _) in itertools.pairwise(busy))


def test_stages_follow_each_other_and_inference_is_the_whole_runs() -> None:
    asked = time.perf_counter()
    said, _, _ = answered(Brightness(), [photo(jpeg(red)) for red in range(3)])
    looks = [messages.read_answer(one).said.look() for one in said]
    assert len({look.marks_s[2:4] for look in looks}) == 1
    for look in looks:
        assert list(look.marks_s) == sorted(look.marks_s)
        assert look.spent_s["inference"] >= 0.01
        assert asked <= look.arrived_s <= look.marks_s[0]


@pytest.mark.parametrize(
    ("session", "most", "batch"),
    [(Brightness(), 16, 16), (Brightness(), 1, 1), (Brightness(takes_many=False), 16, 1), (object(), 16, 1)],
)
def test_a_worker_takes_several_where_session_model_and_settings_do(session: Any, most: int, batch: int) -> None:
    assert work(session, max_batch=most).batch == batch


def test_a_request_of_several_photos_is_one_run_and_each_has_its_answer(make_client: ClientFactory) -> None:
    session = Brightness()
    client = make_client(lambda: session, max_batch=8)
    session.ran.clear()  # of the warm-up
    sent = [jpeg(255), b"GIF89a", jpeg(0), *[jpeg(255)] * 2]
    answer = client.post(contract.BATCH_PATH, files=[("images", ("a.jpg", data, "image/jpeg")) for data in sent])
    results = schema.BatchResponse.model_validate_json(answer.content).results
    found = [len(one.detections) if isinstance(one, schema.DetectResponse) else one.problem.status for one in results]
    assert found == [1, 415, 0, 1, 1]
    assert session.ran == [4]
    text = client.get(contract.METRICS_PATH).text
    assert f"{contract.METRIC_RUN_PHOTOS}_count 1.0" in text
    assert f"{contract.METRIC_RUN_PHOTOS}_sum 4.0" in text


def test_all_other_requests_are_answered_by_a_worker_that_has_runs(make_client: ClientFactory) -> None:
    session = Brightness()
    client = make_client(lambda: session, max_batch=8)
    photo = {"content": jpeg(255), "headers": {"Content-Type": "image/jpeg"}}
    assert client.post(contract.RENDER_PATH, **photo).headers["content-type"] == "image/jpeg"
    assert client.post(contract.EXPLAIN_PATH, **photo).status_code == 200


def test_a_photo_that_asks_for_room_is_answered_beside_a_run(make_client: ClientFactory) -> None:
    session = Brightness()
    client = make_client(lambda: session, max_batch=8, max_image_pixels=100_000)
    session.ran.clear()
    room = client.app.service.detector._room  # type: ignore[attr-defined]  # the app is ours
    size = (200, 150)
    assert size[0] * size[1] * PEAK_BYTES["JPEG"] > room.share > 2 * PEAK
    files = [("images", ("a.jpg", jpeg(255, one), "image/jpeg")) for one in (size, SMALL, size, SMALL)]
    answer = client.post(contract.BATCH_PATH, files=files)
    results = schema.BatchResponse.model_validate_json(answer.content).results
    assert all(isinstance(one, schema.DetectResponse) for one in results)
    assert session.ran == [2, 1, 1]
    assert room.free == room.size


@pytest.mark.parametrize("most", [1, 8])
def test_warms_up_with_as_many_photos_as_a_run_may_have(make_client: ClientFactory, most: int) -> None:
    session = Brightness()
    make_client(lambda: session, max_batch=most)
    assert session.ran == [1, 1, 1, *([8] if most > 1 else [])]
