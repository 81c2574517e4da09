"""Triton's own HTTP client against a real service: what it asks for is there, and the answers equal the API's."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton  # type: ignore[import-untyped]  # ships no types
from PIL import Image
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]  # as above

from lookout import contract
from service.model.photos import sample_photos
from service.schema import DetectResponse
from tests.loopback.service import running

pytestmark = pytest.mark.loopback

OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running() as (url, _):
        yield url


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    opened = triton.InferenceServerClient(url.removeprefix("http://"))
    yield opened
    opened.close()


def encoded_input(photos: list[bytes], binary: bool = True) -> Any:
    tensor = triton.InferInput("image", [len(photos)], "BYTES")
    tensor.set_data_from_numpy(np.array(photos, dtype=np.object_), binary_data=binary)
    return tensor


def test_health_and_metadata_are_as_a_client_expects(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(contract.DETECTOR)
    assert not client.is_model_ready("another")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    model = client.get_model_metadata(contract.DETECTOR)
    assert [(one["name"], one["datatype"], one["shape"]) for one in model["inputs"]] == [
        ("image", "BYTES", [-1]),
        ("input_tensor", "UINT8", [-1, -1, -1, 3]),
    ]
    assert {one["name"] for one in model["outputs"]} == set(OUTPUTS)


@pytest.mark.parametrize("binary", [True, False])
def test_finds_what_the_api_finds(client: Any, url: str, binary: bool) -> None:
    photos = list(sample_photos().values())[:3]
    sent = photos if binary else [base64.b64encode(photo) for photo in photos]
    wanted = [triton.InferRequestedOutput(name, binary_data=binary) for name in OUTPUTS]
    answer = client.infer(
        contract.DETECTOR, [encoded_input(sent, binary)], outputs=wanted, request_id="7", parameters={"threshold": 0.3}
    )
    assert answer.get_response()["id"] == "7"
    assert answer.as_numpy("detection_boxes").shape == (3, 100, 4)
    counts = answer.as_numpy("num_detections")
    assert counts.sum() > 0
    for place, photo in enumerate(photos):
        expected = detected(url, photo)
        assert counts[place] == len(expected.detections)
        for index, one in enumerate(expected.detections):
            y_min, x_min, y_max, x_max = answer.as_numpy("detection_boxes")[place, index]
            width, height = expected.image.width, expected.image.height
            box = (one.box.x_min, one.box.y_min, one.box.x_max, one.box.y_max)
            assert (x_min * width, y_min * height, x_max * width, y_max * height) == pytest.approx(box, abs=0.06)
            assert answer.as_numpy("detection_scores")[place, index] == pytest.approx(one.score, abs=1e-4)
            assert answer.as_numpy("detection_classes")[place, index] == one.class_id
        assert not answer.as_numpy("detection_scores")[place, len(expected.detections) :].any()


def test_takes_pixels_too(client: Any, url: str) -> None:
    photo = sample_photos()["chelsea"]
    pixels = np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"))
    tensor = triton.InferInput("input_tensor", [2, *pixels.shape], "UINT8")
    tensor.set_data_from_numpy(np.stack([pixels, pixels]))
    answer = client.infer(contract.DETECTOR, [tensor])
    expected = detected(url, photo).detections[0]
    for place in range(2):
        assert answer.as_numpy("detection_classes")[place, 0] == expected.class_id
        assert answer.as_numpy("detection_scores")[place, 0] == pytest.approx(expected.score, abs=0.02)
    assert (answer.as_numpy("num_detections") > 5).all()  # without a threshold all is answered, as the zoo's exports do


def test_tells_a_client_what_was_wrong(client: Any) -> None:
    with pytest.raises(InferenceServerException, match="Photo 1: The first bytes belong to no image type") as refused:
        client.infer(contract.DETECTOR, [encoded_input([sample_photos()["chelsea"], b"GIF89a"])])
    assert refused.value.status() == "415"
    with pytest.raises(InferenceServerException, match="no output 'masks'"):
        client.infer(contract.DETECTOR, [encoded_input([b"x"])], outputs=[triton.InferRequestedOutput("masks")])


def detected(url: str, photo: bytes) -> DetectResponse:
    answer = httpx.post(
        f"{url}{contract.DETECT_PATH}?threshold=0.3&limit=100",
        content=photo,
        headers={"Content-Type": "image/jpeg"},
        trust_env=False,
    )
    return DetectResponse.model_validate_json(answer.content)
