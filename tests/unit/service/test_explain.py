"""The heat map: it is warm where hiding takes the score away, and the work behind it is bounded."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from lookout import contract
from service import occlusion, schema
from service.postprocess import Detections
from tests.unit.service.conftest import ClientFactory, FakeSession, until
from tests.unit.service.test_intake import encoded

JPEG = {"Content-Type": "image/jpeg"}
BOX = np.array([0.2, 0.2, 0.6, 0.6], np.float32)


class SeesRed(FakeSession):
    """Finds one object whose score is the share of red in its middle; input 40 x 40."""

    def prepare(self, image: Any) -> Any:
        assert image.dtype == np.uint8
        prepared = np.zeros((1, 40, 40, 3), np.uint8)
        prepared[:, 14:18, 14:18, 0] = 255
        return prepared

    def finish(self, raw: Any, threshold: float, limit: int) -> Detections:
        score = float(raw[0, 14:18, 14:18, 0].mean()) / 255
        found = Detections(BOX[np.newaxis], np.array([score], np.float32), np.array([17]))
        return found.first(limit, threshold)


def test_is_warm_where_hiding_takes_the_score_away_and_cold_elsewhere(make_client: ClientFactory) -> None:
    client = make_client(session=SeesRed)
    answer = client.post(contract.EXPLAIN_PATH + "?cells=6", content=encoded(size=(200, 100)), headers=JPEG)
    body = schema.ExplainResponse.model_validate_json(answer.content)
    assert body.detection.label == "cat"
    assert body.region == schema.Box(x_min=20, y_min=10, x_max=140, y_max=70)
    heat = np.array(body.heat)
    assert heat.shape == (6, 6)
    assert divmod(int(heat.argmax()), 6) in {(2, 2), (2, 3), (3, 2), (3, 3)}
    assert heat.max() > 0.9
    assert not heat[0].any()
    assert not heat[:, -1].any()


@pytest.mark.parametrize("cells", [4, 10])
def test_runs_the_model_once_a_cell_and_once_before(make_client: ClientFactory, cells: int) -> None:
    class Counting(FakeSession):
        runs = -3  # warming up

        def prepare(self, image: Any) -> Any:
            return image[np.newaxis]

        def infer(self, prepared: Any) -> Any:
            Counting.runs += 1
            return prepared

    client = make_client(session=Counting)
    answer = client.post(f"{contract.EXPLAIN_PATH}?cells={cells}&rank=1", content=encoded(), headers=JPEG)
    assert answer.json()["detection"]["label"] == "dining table"
    assert Counting.runs == cells**2 + 1


@pytest.mark.parametrize(
    ("query", "content", "status"),
    [
        ("?rank=2", encoded(), 422),
        ("?rank=-1", encoded(), 422),
        ("?cells=11", encoded(), 422),
        ("?threshold=0.5", encoded(), 422),
        ("", b"GIF89a", 415),
        ("", b"", 400),
    ],
)
def test_refuses_as_a_detection_does(client: TestClient, query: str, content: bytes, status: int) -> None:
    answer = client.post(contract.EXPLAIN_PATH + query, content=content, headers=JPEG)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


class Held(SeesRed):
    """Runs only as often as it is allowed to."""

    def __init__(self) -> None:
        self.allowed, self.runs = threading.Semaphore(3), -3  # warming up

    def infer(self, prepared: Any) -> Any:
        assert self.allowed.acquire(timeout=10)
        self.runs += 1
        return prepared


def test_explains_one_at_a_time_and_detects_meanwhile(make_client: ClientFactory) -> None:
    session = Held()
    client = make_client(session=lambda: session, threads=1)
    explainer = client.app.service.explainer  # type: ignore[attr-defined]  # the app is ours
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, contract.EXPLAIN_PATH, content=encoded(), headers=JPEG)
        until(lambda: explainer._running == 1)
        second = client.post(contract.EXPLAIN_PATH, content=encoded(), headers=JPEG)
        detected = pool.submit(client.post, contract.DETECT_PATH, content=encoded(), headers=JPEG)
        until(lambda: client.app.service.detector.admission.admitted == 1)  # type: ignore[attr-defined]  # as above
        session.allowed.release(3)  # of the 65 that explain; one more may be waiting already
        assert detected.result(10).status_code == 200
        assert not first.done()
        session.allowed.release(200)
        assert first.result(10).status_code == 200
    assert (second.status_code, second.headers["retry-after"]) == (503, "1")
    assert client.post(contract.EXPLAIN_PATH, content=encoded(), headers=JPEG).status_code == 200


def test_gives_up_in_time_and_gives_its_turn_back(make_client: ClientFactory) -> None:
    session = Held()
    client = make_client(session=lambda: session, explain_timeout_s=0.2)
    assert client.post(contract.EXPLAIN_PATH, content=encoded(), headers=JPEG).status_code == 503
    session.allowed.release(100)
    assert client.post(contract.EXPLAIN_PATH, content=encoded(), headers=JPEG).status_code == 200


def test_stops_when_the_client_has_left(make_client: ClientFactory) -> None:
    session = Held()
    session.allowed.release(100)
    client = make_client(session=lambda: session)
    told: list[Message] = []
    messages = iter([{"type": "http.request", "body": encoded(), "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        told.append(message)

    scope = {"type": "http", "method": "POST", "path": contract.EXPLAIN_PATH, "query_string": b"", "headers": []}
    assert client.portal is not None
    client.portal.call(client.app, scope, receive, send)
    assert (session.runs, told[0]["status"]) == (1, 400)


def test_can_be_switched_off(make_client: ClientFactory) -> None:
    client = make_client(explain_concurrency=0)
    assert client.post(contract.EXPLAIN_PATH, content=encoded(), headers=JPEG).status_code == 503


def test_patches_cover_the_region_and_stay_within_the_photo() -> None:
    covered = np.zeros((100, 100), int)
    looked_at = occlusion.region(np.array([0.0, 0.5, 0.4, 1.0], np.float32))
    assert looked_at.tolist() == pytest.approx([0, 0.375, 0.5, 1])
    for top, left, bottom, right in occlusion.patches(looked_at, 5):
        assert 0 <= top < bottom <= 1
        assert 0 <= left < right <= 1
        covered[round(top * 100) : round(bottom * 100), round(left * 100) : round(right * 100)] += 1
    assert (covered[:50, 38:] > 0).all()


def test_hides_with_the_mean_colour_and_leaves_the_input_as_it_was() -> None:
    prepared = np.arange(300, dtype=np.float32).reshape(1, 10, 10, 3)
    before = prepared.copy()
    changed = occlusion.hidden(prepared, np.array([0.125, 0.25, 0.375, 0.375], np.float32))
    assert (prepared == before).all()
    different = (changed != prepared).any(axis=(0, 3))
    assert np.argwhere(different).min(axis=0).tolist() == [1, 2]
    assert np.argwhere(different).max(axis=0).tolist() == [3, 3]
    assert changed[0, 1, 2].tolist() == pytest.approx(prepared.mean(axis=(0, 1, 2)).tolist())
