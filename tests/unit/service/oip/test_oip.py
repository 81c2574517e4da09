"""Open Inference Protocol: what follows it is answered, and whatever does not has an error of its own, never a 500."""

import base64
import json
import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from lookout import contract
from service import problems
from service.metrics import STAGES
from service.oip import wire
from tests.unit.service.conftest import ClientFactory
from tests.unit.service.test_intake import encoded, png_header

INFER = contract.OIP_INFER_PATH


def post(client: TestClient, body: dict[str, Any], tail: bytes | None = None) -> Any:
    head = json.dumps(body).encode()
    headers = {} if tail is None else {wire.HEADER_LENGTH: str(len(head))}
    return client.post(INFER, content=head + (tail or b""), headers=headers)


def image_input(photos: list[bytes]) -> tuple[dict[str, Any], bytes]:
    tail = b"".join(struct.pack("<I", len(photo)) + photo for photo in photos)
    parameters = {"binary_data_size": len(tail)}
    return {"name": "image", "datatype": "BYTES", "shape": [len(photos)], "parameters": parameters}, tail


def json_input(photos: list[bytes]) -> dict[str, Any]:
    data = [base64.b64encode(photo).decode() for photo in photos]
    return {"name": "image", "datatype": "BYTES", "shape": [len(photos)], "data": data}


def pixel_input(shape: tuple[int, ...], data: Any) -> dict[str, Any]:
    return {"name": "input_tensor", "datatype": "UINT8", "shape": list(shape), "data": data}


def test_answers_json_with_json(client: TestClient) -> None:
    answer = post(client, {"id": "a", "inputs": [json_input([encoded(), encoded("PNG")])]})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert (body["model_name"], body["model_version"], body["id"]) == ("detector", "0123456789ab", "a")
    outputs = {one["name"]: one for one in body["outputs"]}
    assert {name: one["shape"] for name, one in outputs.items()} == {
        "detection_boxes": [2, 100, 4],
        "detection_scores": [2, 100],
        "detection_classes": [2, 100],
        "num_detections": [2],
    }
    assert outputs["num_detections"]["data"] == [2.0, 2.0]  # without a threshold: both objects
    assert outputs["detection_boxes"]["data"][:4] == pytest.approx([0.1, 0.2, 0.5, 0.6])
    assert outputs["detection_classes"]["data"][:3] == [17.0, 67.0, 0.0]


def test_answers_binary_data_in_the_order_asked_for(client: TestClient) -> None:
    tensor, tail = image_input([encoded()])
    wanted = [{"name": "num_detections"}, {"name": "detection_scores", "parameters": {"binary_data": True}}]
    body = {"inputs": [tensor], "outputs": wanted, "parameters": {"threshold": 0.5, "limit": 3}}
    answer = post(client, body, tail)
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers[wire.HEADER_LENGTH])
    count, scores = json.loads(answer.content[:length])["outputs"]
    assert count == {"name": "num_detections", "datatype": "FP32", "shape": [1], "data": [1.0]}
    assert scores["parameters"] == {"binary_data_size": 12}
    assert np.frombuffer(answer.content[length:], "<f4") == pytest.approx([0.9, 0, 0])


def test_all_outputs_are_binary_when_the_request_says_so(client: TestClient) -> None:
    body = {"inputs": [json_input([encoded()])], "parameters": {"binary_data_output": True, "limit": 1}}
    answer = post(client, body)
    length = int(answer.headers[wire.HEADER_LENGTH])
    assert len(answer.content) - length == 4 * (4 + 1 + 1 + 1)


@pytest.mark.parametrize("data", [[0] * 24, [[[[0] * 3] * 2] * 2] * 2])
def test_takes_pixels_flat_or_nested(client: TestClient, data: Any) -> None:
    answer = post(client, {"inputs": [pixel_input((2, 2, 2, 3), data)]})
    assert answer.status_code == 200
    assert answer.json()["outputs"][3]["data"] == [2.0, 2.0]


TENSOR, TAIL = image_input([encoded()])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "inputs: Field required"),
        ({"inputs": []}, "Exactly one input"),
        ({"inputs": [json_input([encoded()])] * 2}, "Exactly one input"),
        ({"inputs": [{**json_input([encoded()]), "name": "photo"}]}, "no input 'photo'"),
        ({"inputs": [{**json_input([encoded()]), "datatype": "UINT8"}]}, "datatype BYTES"),
        ({"inputs": [{**json_input([encoded()]), "shape": [1, 1]}]}, "1 dimension"),
        ({"inputs": [{**json_input([encoded()]), "shape": [2]}]}, "1 elements came"),
        ({"inputs": [{**json_input([encoded()]), "shape": [-1]}]}, "1 to 16"),
        ({"inputs": [json_input([encoded()] * 17)]}, "1 to 16"),
        ({"inputs": [{**json_input([b""]), "data": ["*"]}]}, "not base64"),
        ({"inputs": [{**json_input([b""]), "data": [["a"]]}]}, "list of photos"),
        ({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1]}]}, "either data or"),
        ({"inputs": [{**TENSOR, "parameters": {"shared_memory_region": "a"}}]}, "shared memory"),
        ({"inputs": [{**TENSOR, "parameters": {"binary_data_size": 9}}]}, "size within the body"),
        ({"inputs": [{**TENSOR, "parameters": {"binary_data_size": True}}]}, "size within the body"),
        ({"inputs": [pixel_input((1, 1, 1, 3), [1, 2])]}, "needs 3 values, 2 came"),
        ({"inputs": [pixel_input((1, 1, 1, 3), [1, 2, 256])]}, "0 to 255"),
        ({"inputs": [pixel_input((1, 1, 1, 3), [1, 2, 0.5])]}, "0 to 255"),
        ({"inputs": [pixel_input((1, 1, 1, 3), [1, 2, 10**30])]}, "0 to 255"),
        ({"inputs": [pixel_input((1, 1, 1, 3), [True] * 3)]}, "0 to 255"),
        ({"inputs": [pixel_input((1, 1, 1, 3), {"a": 1})]}, "0 to 255"),
        ({"inputs": [pixel_input((1, 1, 1, 3), [[1, 2], [3]])]}, "rows of one length"),
        ({"inputs": [pixel_input((1, 0, 1, 3), [])]}, "[N, height, width, 3]"),
        ({"inputs": [pixel_input((1, 1, 3), [1, 2, 3])]}, "4 dimension"),
        ({"inputs": [json_input([encoded()])], "outputs": [{"name": "masks"}]}, "no output 'masks'"),
        (
            {
                "inputs": [json_input([encoded()])],
                "outputs": [{"name": "detection_scores", "parameters": {"classification": 3}}],
            },
            "classification is not offered",
        ),
    ],
)
def test_refuses_what_is_not_the_models_with_a_400_that_says_so(
    client: TestClient, body: dict[str, Any], says: str
) -> None:
    answer = post(client, body)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert says in answer.json()["error"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"inputs": [json_input([b""])]}, 400),
        ({"inputs": [json_input([b"GIF89a"])]}, 415),
        ({"inputs": [json_input([png_header(30_000, 30_000)])]}, 422),
        ({"inputs": [pixel_input((1, 30_000, 30_000, 3), [])]}, 422),
        ({"inputs": [json_input([encoded()])], "parameters": {"threshold": 2}}, 422),
        ({"inputs": [json_input([encoded()])], "parameters": {"limit": "5"}}, 422),
        ({"inputs": [pixel_input((1, 1, 1, 3), [0] * 1_300_001)]}, 413),
    ],
)
def test_has_the_limits_and_statuses_of_the_api(client: TestClient, change: dict[str, Any], status: int) -> None:
    answer = post(client, change)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


@pytest.mark.parametrize("length", ["", "-1", "x", "99999999999999", "1e2", "²"])
def test_refuses_a_header_length_that_is_none(client: TestClient, length: str) -> None:
    headers = [(wire.HEADER_LENGTH.encode(), length.encode())]
    assert client.post(INFER, content=b"{}", headers=headers).status_code == 400


def test_refuses_bytes_that_belong_to_no_input_and_elements_cut_short(client: TestClient) -> None:
    assert "belong to no input" in post(client, {"inputs": [TENSOR]}, TAIL + b"x").json()["error"]
    short = {**TENSOR, "parameters": {"binary_data_size": len(TAIL) - 1}}
    assert "do not fit" in post(client, {"inputs": [short]}, TAIL[:-1]).json()["error"]
    empty = {"name": "input_tensor", "datatype": "UINT8", "shape": [1, 1, 1, 3], "parameters": {"binary_data_size": 0}}
    assert "3 values, 0 came" in post(client, {"inputs": [empty]}, b"").json()["error"]


def test_refuses_compressed_bodies_and_bodies_over_the_limit(make_client: ClientFactory) -> None:
    assert make_client().post(INFER, content=b"{}", headers={"Content-Encoding": "gzip"}).status_code == 415
    small = make_client(max_batch_bytes=2000, max_image_bytes=1000)
    assert post(small, {"inputs": [json_input([b"x" * 2000])]}).status_code == 413
    tensor, tail = image_input([b"\xff\xd8\xff" + b"x" * 1000])
    assert post(small, {"inputs": [tensor]}, tail).status_code == 413


def test_takes_a_photo_of_640_by_480_as_nested_numbers(client: TestClient) -> None:
    body = {"inputs": [pixel_input((1, 480, 640, 3), np.zeros((1, 480, 640, 3), int).tolist())]}
    assert post(client, body).status_code == 200


@pytest.mark.parametrize("size", [10**4000, 2**31, -2], ids=["huge", "large", "negative"])
def test_refuses_a_shape_that_is_none_without_counting_with_it(client: TestClient, size: int) -> None:
    answer = post(client, {"inputs": [pixel_input((1, size, size, 3), [])]})
    assert (answer.status_code, answer.json()["error"][:16]) == (400, "inputs.0.shape.1")


def test_sends_back_an_id_of_reasonable_length_only(client: TestClient) -> None:
    assert post(client, {"id": "i" * 1001, "inputs": [json_input([encoded()])]}).status_code == 400


def test_unknown_paths_and_models_under_v2_have_the_protocols_error(client: TestClient) -> None:
    for path in ("/v2/models/other", "/v2/models/other/ready", "/v2/nothing"):
        answer = client.get(path)
        assert (answer.status_code, list(answer.json())) == (404, ["error"])
    assert client.get(INFER).status_code == 405


def test_is_not_ready_while_draining_and_still_infers(client: TestClient) -> None:
    assert client.get("/v2/health/ready").json() == {"ready": True}
    client.app.service.health.drain()  # type: ignore[attr-defined]  # the app is ours
    assert client.get("/v2/health/ready").status_code == 503
    assert client.get("/v2/models/detector/ready").status_code == 503
    assert client.get("/v2/health/live").status_code == 200
    assert post(client, {"inputs": [json_input([encoded()])]}).status_code == 200


def test_inference_requests_are_measured_and_hold_no_room_afterwards(client: TestClient) -> None:
    post(client, {"inputs": [json_input([encoded()] * 2)]})
    text = client.get(contract.METRICS_PATH).text
    assert f'{contract.METRIC_REQUESTS}{{status="200"}} 1.0' in text
    assert f"{contract.METRIC_QUEUE_WAIT}_count 2.0" in text
    assert client.app.service.bodies.held == 0  # type: ignore[attr-defined]  # the app is ours
    for stage, photos in {**dict.fromkeys(STAGES, 2), "encoding": 1}.items():
        assert f'{contract.METRIC_STAGE}_count{{stage="{stage}"}} {photos}.0' in text, stage


def test_pixels_pass_no_decoding(client: TestClient) -> None:
    post(client, {"inputs": [pixel_input((1, 1, 1, 3), [1, 2, 3])]})
    text = client.get(contract.METRICS_PATH).text
    assert f'{contract.METRIC_STAGE}_count{{stage="decode"}} 0.0' in text
    assert f'{contract.METRIC_STAGE}_count{{stage="inference"}} 1.0' in text


@given(st.binary(max_size=400), st.one_of(st.none(), st.integers(0, 400).map(str), st.text(max_size=5)))
def test_no_bytes_raise_anything_but_a_problem(body: bytes, length: str | None) -> None:
    with suppress(problems.Problem):
        wire.parse(wire.frame(body, length))
