"""The API's contract: paths, bodies, probes, metrics and what is logged."""

import io
import json
import logging
import socket
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pydantic_core
import pytest
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import Message

from lookout import contract
from lookout.errors import LookoutError
from service import decode, model_location, render, schema, work
from service.app import create_app
from service.compute import Compute
from service.health import Phase
from service.metrics import STAGES
from service.settings import Settings
from tests.unit.service.conftest import ClientFactory, FakeSession, until
from tests.unit.service.test_intake import encoded

JPEG = {"Content-Type": "image/jpeg"}


def test_answers_with_boxes_in_pixels_best_score_first(client: TestClient) -> None:
    answer = client.post(contract.DETECT_PATH + "?threshold=0.1", content=encoded(size=(200, 100)), headers=JPEG)
    body = schema.DetectResponse.model_validate_json(answer.content)
    assert [one.label for one in body.detections] == ["cat", "dining table"]
    assert body.detections[0].class_id == 17
    assert body.detections[0].box == schema.Box(x_min=40, y_min=10, x_max=120, y_max=50)
    assert body.model == schema.Model(name="ssdlite_mobilenet_v2_coco", version="0123456789ab", runtime="litert-int8")


def test_answers_with_exactly_the_agreed_members(client: TestClient) -> None:
    body = client.post(contract.DETECT_PATH, content=encoded(), headers=JPEG).json()
    assert set(body) == {"model", "image", "detections", "timing_ms"}
    assert set(body["model"]) == {"name", "version", "runtime"}
    assert set(body["detections"][0]) == {"label", "class_id", "score", "box"}
    assert set(body["detections"][0]["box"]) == {"x_min", "y_min", "x_max", "y_max"}


@pytest.mark.parametrize(
    ("query", "count"), [("", 1), ("?threshold=0", 2), ("?threshold=0&limit=1", 1), ("?threshold=1", 0)]
)
def test_follows_threshold_and_limit(client: TestClient, query: str, count: int) -> None:
    body = client.post(contract.DETECT_PATH + query, content=encoded(), headers=JPEG).json()
    assert len(body["detections"]) == count


def test_draws_on_the_upright_photo(client: TestClient) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    plain = encoded(size=(300, 200), exif=exif)
    answer = client.post(contract.RENDER_PATH, content=plain, headers=JPEG)
    assert answer.headers["content-type"] == "image/jpeg"
    drawn = Image.open(io.BytesIO(answer.content))
    assert drawn.size == (200, 300)
    assert answer.headers["x-detections"] == "1"
    undrawn = client.post(contract.RENDER_PATH + "?threshold=1", content=plain, headers=JPEG)
    assert undrawn.content != answer.content


def test_answers_each_photo_of_a_batch_on_its_own(client: TestClient) -> None:
    files = [("images", ("a", data, None)) for data in (encoded(), b"", b"GIF89a", encoded("PNG"))]
    answer = client.post(contract.BATCH_PATH, files=files)
    body = schema.BatchResponse.model_validate_json(answer.content)
    statuses = [one.problem.status if isinstance(one, schema.Failure) else 200 for one in body.results]
    assert (answer.status_code, statuses) == (200, [200, 400, 415, 200])


@pytest.mark.parametrize(("count", "status"), [(16, 200), (17, 422), (0, 422)])
def test_takes_at_most_sixteen_photos_a_batch(client: TestClient, count: int, status: int) -> None:
    files: list[Any] = [("images", ("a.jpg", encoded(), "image/jpeg"))] * count or [("other", ("a.jpg", b"x", None))]
    assert client.post(contract.BATCH_PATH, files=files).status_code == status


def test_describes_the_model(client: TestClient) -> None:
    body = schema.ModelResponse.model_validate_json(client.get(contract.MODEL_PATH).content)
    assert body.bento is None
    assert body.generation == "tf1-detection-zoo"
    assert body.labels[17] == "cat"


@pytest.mark.usefixtures("workers_are_threads")
def test_is_not_ready_before_the_model_is_warm_and_takes_nothing(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_load = threading.Event()

    def slow(*_: object) -> FakeSession:
        may_load.wait(10)
        return FakeSession()

    monkeypatch.setattr("service.worker.open_session", slow)
    with TestClient(create_app(model_dir, Settings(threads=1))) as cold:
        assert cold.get(contract.READINESS_PATH).status_code == 503
        assert cold.get(contract.LIVENESS_PATH).status_code == 200
        refused = cold.post(contract.DETECT_PATH, content=encoded(), headers=JPEG)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        may_load.set()


def test_is_neither_ready_nor_alive_when_the_model_cannot_be_loaded(make_client: ClientFactory) -> None:
    def broken() -> Any:
        raise LookoutError("int8.tflite is damaged")

    client = make_client(session=broken)
    assert client.get(contract.READINESS_PATH).status_code == 503
    assert client.get(contract.LIVENESS_PATH).status_code == 503


def test_is_no_longer_ready_while_draining_but_still_answers(client: TestClient) -> None:
    assert "connection" not in client.post(contract.DETECT_PATH, content=encoded(), headers=JPEG).headers
    client.app.service.health.drain()  # type: ignore[attr-defined]  # the app is ours
    assert client.get(contract.READINESS_PATH).status_code == 503
    assert client.get(contract.LIVENESS_PATH).status_code == 200
    answer = client.post(contract.DETECT_PATH, content=encoded(), headers=JPEG)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


@pytest.mark.parametrize("path", [contract.READINESS_PATH, f"{contract.OIP_PATH}/health/ready"])
def test_is_alive_and_not_ready_while_it_has_no_worker(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    assert client.get(path).status_code == 200
    monkeypatch.setattr(Compute, "alive", False)
    assert client.get(path).status_code == 503
    assert client.get(contract.LIVENESS_PATH).status_code == 200


def test_never_becomes_ready_again_once_it_drains(client: TestClient) -> None:
    health = client.app.service.health  # type: ignore[attr-defined]  # the app is ours
    health.drain()
    health.ready()
    assert client.get(contract.READINESS_PATH).status_code == 503


class Held(FakeSession):
    """Sees nothing until it may."""

    def __init__(self, warm_ups: int = 3) -> None:
        self.may_go, self.arrived, self.warm_ups = threading.Event(), threading.Event(), warm_ups

    def infer(self, prepared: Any) -> Any:
        self.warm_ups -= 1
        if self.warm_ups < 0:
            self.arrived.set()
            assert self.may_go.wait(10)
        return prepared


def test_refuses_what_it_has_no_room_for(make_client: ClientFactory) -> None:
    session = Held()
    client = make_client(session=lambda: session, queue=2)
    files = [("images", ("a.jpg", encoded(), "image/jpeg"))] * 3
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, contract.DETECT_PATH, content=encoded(), headers=JPEG)
        assert session.arrived.wait(10)
        full = client.post(contract.BATCH_PATH, files=files)
        session.may_go.set()
        assert first.result().status_code == 200
    assert full.status_code == 503
    assert full.headers["retry-after"] == "1"
    assert full.json()["type"] == "urn:lookout:problem:over-capacity"
    assert client.post(contract.BATCH_PATH, files=files).status_code == 200


def test_a_batch_larger_than_the_queue_has_its_turn_when_nothing_else_is_there(make_client: ClientFactory) -> None:
    client = make_client(queue=0)
    files = [("images", ("a.jpg", encoded(), "image/jpeg"))] * 16
    assert client.post(contract.BATCH_PATH, files=files).status_code == 200


@pytest.mark.parametrize(
    "path",
    [contract.DETECT_PATH, contract.BATCH_PATH, contract.RENDER_PATH, contract.EXPLAIN_PATH, contract.OIP_INFER_PATH],
)
def test_refuses_what_cannot_be_in_time_before_it_reads_the_body(make_client: ClientFactory, path: str) -> None:
    client = make_client()
    service = client.app.service  # type: ignore[attr-defined]  # the app is ours
    admission, told = service.detector.admission, list[Message]()
    admission.measured(7.0)
    admission.enter(1, 0.0)

    async def receive() -> Message:
        raise AssertionError("the body was asked for")

    async def send(message: Message) -> None:
        told.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
    assert client.portal is not None
    client.portal.call(client.app, scope, receive, send)
    assert told[0]["status"] == 503
    assert dict(told[0]["headers"])[b"retry-after"] == b"7"
    assert f'{contract.METRIC_REFUSED}{{reason="deadline"}} 1.0' in client.get(contract.METRICS_PATH).text
    admission.leave()
    assert client.post(contract.DETECT_PATH, content=encoded(), headers=JPEG).status_code == 200


def test_bodies_of_concurrent_requests_share_one_budget_and_give_it_back(make_client: ClientFactory) -> None:
    session, photo = Held(), encoded(size=(200, 150))
    client = make_client(session=lambda: session, max_held_bytes=3 * len(photo))
    with ThreadPoolExecutor(3) as pool:
        three = [pool.submit(client.post, contract.DETECT_PATH, content=photo, headers=JPEG) for _ in range(3)]
        service = client.app.service  # type: ignore[attr-defined]  # the app is ours
        assert session.arrived.wait(10)
        until(lambda: service.bodies.held == 3 * len(photo))
        fourth = client.post(contract.DETECT_PATH, content=photo, headers=JPEG)
        assert service.bodies.held == 3 * len(photo)
        session.may_go.set()
        assert [one.result().status_code for one in three] == [200, 200, 200]
    assert (fourth.status_code, fourth.headers["retry-after"]) == (503, "1")
    assert service.bodies.held == 0
    assert client.post(contract.DETECT_PATH, content=photo, headers=JPEG).status_code == 200
    assert client.post(contract.DETECT_PATH, content=b"GIF89a", headers=JPEG).status_code == 415
    files = [("images", ("a.jpg", photo, "image/jpeg"))] * 4
    assert client.post(contract.BATCH_PATH, files=files).status_code == 200  # larger than the budget, but alone
    assert service.bodies.held == 0


def test_a_batch_keeps_no_pixels_of_photos_it_is_done_with(
    make_client: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[weakref.ref[Any]] = []
    most = 0

    def watched(*arguments: Any, **named: Any) -> Any:
        nonlocal most
        most = max(most, sum(one() is not None for one in alive))
        decoded = decode.decode_reduced(*arguments, **named)
        alive.append(weakref.ref(decoded.pixels))
        return decoded

    monkeypatch.setattr(work, "decode_reduced", watched)
    files = [("images", ("a.jpg", encoded(), "image/jpeg"))] * 8
    assert make_client().post(contract.BATCH_PATH, files=files).status_code == 200
    assert len(alive) == 8
    assert most <= 1


def test_draws_within_the_place_in_the_queue(make_client: ClientFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_client(queue=0, max_image_pixels=64 * 48)  # so that it is no small photo
    drawer = client.app.service.detector  # type: ignore[attr-defined]  # the app is ours
    seen: list[tuple[int, bool]] = []

    def watched(*arguments: Any) -> bytes:
        seen.append((drawer.admission.admitted, drawer._room.free < drawer._room.size))
        return render.render(*arguments)

    monkeypatch.setattr(work, "render", watched)
    assert client.post(contract.RENDER_PATH, content=encoded(), headers=JPEG).status_code == 200
    assert seen == [(1, True)]
    assert drawer._room.free == drawer._room.size


@pytest.mark.usefixtures("workers_are_threads")
@pytest.mark.parametrize("path", [contract.DETECT_PATH, contract.RENDER_PATH])
def test_takes_nothing_when_told_to_stop_before_the_model_is_loaded(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    may_fail = threading.Event()

    def doomed(*_: object) -> FakeSession:
        may_fail.wait(10)
        raise LookoutError("int8.tflite is damaged")

    monkeypatch.setattr("service.worker.open_session", doomed)
    app = create_app(model_dir, Settings(threads=1))
    with TestClient(app) as cold:
        app.service.health.drain()
        assert cold.post(path, content=encoded(), headers=JPEG).status_code == 503
        may_fail.set()
        until(lambda: app.service.health.phase is Phase.FAILED)
        assert cold.post(path, content=encoded(), headers=JPEG).status_code == 503
    # Leaving the block waits for every worker: a photo that waits for one would keep it for ever.


def test_gives_room_back_after_failures(make_client: ClientFactory) -> None:
    client = make_client(queue=0)
    for _ in range(5):
        assert client.post(contract.DETECT_PATH, content=b"GIF89a", headers=JPEG).status_code == 415
    assert client.post(contract.DETECT_PATH, content=encoded(), headers=JPEG).status_code == 200


def test_tells_nothing_of_an_internal_error_but_its_id_and_logs_it_once(
    make_client: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(FakeSession):
        calls = 0

        def infer(self, prepared: Any) -> Any:
            Broken.calls += 1
            if Broken.calls > 3:
                raise RuntimeError("secret path /etc/shadow")
            return prepared

    client = make_client(session=Broken)
    lines: list[str] = []
    monkeypatch.setattr(logging.getLogger("lookout.service"), "log", lambda _, line: lines.append(line))
    client._transport.raise_server_exceptions = True  # nothing may pass the app itself
    answer = client.post(contract.DETECT_PATH, content=encoded(), headers=JPEG | {"X-Request-ID": "abc-1"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == "abc-1"
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == "abc-1"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert [json.loads(line)["event"] for line in lines] == ["internal-error"]
    assert "secret" in lines[0]
    assert 'lookout_requests_total{status="500"} 1.0' in client.get(contract.METRICS_PATH).text


def test_answers_unknown_paths_and_methods_with_problems(client: TestClient) -> None:
    for answer, status in ((client.get("/nope"), 404), (client.get(contract.DETECT_PATH), 405), (client.put("/"), 405)):
        assert answer.status_code == status
        assert schema.Problem.model_validate_json(answer.content).status == status
        assert answer.headers["content-type"] == "application/problem+json"
    assert "POST" in client.get(contract.DETECT_PATH).headers["allow"]


def test_measures_what_others_build_on(client: TestClient) -> None:
    client.post(contract.DETECT_PATH + "?threshold=0", content=encoded(), headers=JPEG)
    client.post(contract.DETECT_PATH, content=b"", headers=JPEG)
    text = client.get(contract.METRICS_PATH).text
    assert f"{contract.METRIC_IN_FLIGHT} 0.0" in text
    assert f'{contract.METRIC_REQUESTS}{{status="200"}} 1.0' in text
    assert f'{contract.METRIC_REQUESTS}{{status="400"}} 1.0' in text
    assert f'{contract.METRIC_REQUEST_SECONDS}_count{{code="2xx"}} 1.0' in text
    assert f'{contract.METRIC_REQUEST_SECONDS}_count{{code="4xx"}} 1.0' in text
    assert f'{contract.METRIC_REQUEST_SECONDS}_bucket{{code="2xx",le="{contract.SLO_P99_S:g}"}}' in text
    assert f"{contract.METRIC_QUEUE} 0.0" in text
    assert f'{contract.METRIC_PROCESS}{{pod="{socket.gethostname()}"}} 1.0' in text
    assert f'{contract.METRIC_DETECTIONS}{{label="cat"}} 1.0' in text
    assert f"{contract.METRIC_QUEUE_WAIT}_count 2.0" in text
    for stage in STAGES:
        assert f'{contract.METRIC_STAGE}_count{{stage="{stage}"}} 1.0' in text, stage


def test_tells_the_time_of_each_stage_and_adds_up_what_came_after_the_body(client: TestClient) -> None:
    spent = client.post(contract.DETECT_PATH, content=encoded(), headers=JPEG).json()["timing_ms"]
    assert set(spent) == {*STAGES, "total"} - {"encoding"}  # which no answer can know of itself
    assert spent["intake"] > 0
    after = sum(spent[stage] for stage in STAGES if stage in spent and stage != "intake")
    assert spent["total"] == pytest.approx(after, abs=0.01)


@pytest.mark.parametrize("path", [contract.DETECT_PATH, contract.BATCH_PATH])
def test_answers_are_encoded_by_a_worker(client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    threads: list[str] = []
    encode = pydantic_core.to_json

    def noted(response: object) -> bytes:
        threads.append(threading.current_thread().name)
        return encode(response)

    monkeypatch.setattr(work, "to_json", noted)
    files = [("images" if path == contract.BATCH_PATH else "image", ("a.jpg", encoded(), "image/jpeg"))]
    assert client.post(path, files=files).status_code == 200
    assert threads == ["worker"]


def test_probes_are_not_counted_as_requests(client: TestClient) -> None:
    for path in (contract.LIVENESS_PATH, contract.READINESS_PATH, "/", contract.METRICS_PATH):
        client.get(path)
    assert f"{contract.METRIC_REQUESTS}{{" not in client.get(contract.METRICS_PATH).text


@pytest.mark.parametrize(("sent", "kept"), [("abc-123", True), ("x" * 65, False), ("a b", False), ("a\tb", False)])
def test_keeps_a_request_id_only_when_it_is_a_plain_token(client: TestClient, sent: str, kept: bool) -> None:
    answered = client.get(contract.LIVENESS_PATH, headers={"X-Request-ID": sent}).headers["x-request-id"]
    assert (answered == sent) is kept


def test_logs_one_line_a_request_without_names_or_bytes_of_images(
    client: TestClient, capfd: pytest.CaptureFixture[str]
) -> None:
    files = {"image": ("my-private-holiday.jpg", encoded(), "image/jpeg")}
    client.post(contract.DETECT_PATH, files=files, headers={"X-Request-ID": "one"})
    lines = [line for line in capfd.readouterr().err.splitlines() if '"request"' in line]
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert line.pop("duration_ms") > 0
    assert line.pop("bytes_in") > 1000
    assert line == {
        "event": "request",
        "request_id": "one",
        "method": "POST",
        "path": "/v1/detect",
        "status": 200,
        "image": "64x48",
        "detections": 1,
    }


def test_names_the_bento_it_is_served_from(model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENTO_PATH", str(tmp_path))
    (tmp_path / "bento.yaml").write_text("name: detector\nversion: 0123456789ab\n")
    app = create_app(model_dir, Settings(threads=1), model_location.bento_tag())
    assert TestClient(app).get(contract.MODEL_PATH).json()["bento"] == "detector:0123456789ab"
    (tmp_path / "bento.yaml").write_text("[]")
    with pytest.raises(LookoutError, match="does not say name and version"):
        model_location.bento_tag()


def test_refuses_to_start_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="no model"):
        create_app(tmp_path, Settings())
