"""Every way an answer can be wrong has its own kind, and a right one passes."""

import socket
import ssl
from typing import Any

import pytest
from geventhttpclient.response import HTTPConnectionClosed

from loadtest.generator.answers import WrongAnswerError, check_answer, transport_kind
from loadtest.photos.prepared import Photo
from lookout import contract
from service.schema import Box, Detection, DetectResponse, ImageSize, Model, Timing

PHOTO = Photo("cat", b"jpeg", "image/jpeg", 451, 300)
ANSWER = DetectResponse(
    model=Model(name="ssdlite", version="abc", runtime="litert"),
    image=ImageSize(width=451, height=300),
    detections=[
        Detection(label="cat", class_id=17, score=0.93, box=Box(x_min=10, y_min=20, x_max=440.5, y_max=300)),
        Detection(label="dog", class_id=18, score=0.61, box=Box(x_min=0, y_min=0, x_max=100, y_max=100)),
    ],
    timing_ms=Timing(queue=0, decode=2, preprocess=1, inference=12, postprocess=0.5, total=15.5),
)


def _kind(body: bytes | str, *, status: int = 200, content_type: str = "application/json") -> str:
    raw = body.encode() if isinstance(body, str) else body
    with pytest.raises(WrongAnswerError) as caught:
        check_answer(status, content_type, raw, PHOTO)
    return caught.value.kind


def _with(**changes: Any) -> str:
    return ANSWER.model_copy(update=changes).model_dump_json()


def _boxed(**box: float) -> str:
    sides = {"x_min": 1.0, "y_min": 1.0, "x_max": 2.0, "y_max": 2.0, **box}
    return _with(detections=[Detection(label="cat", class_id=17, score=0.9, box=Box(**sides))])


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_a_right_answer_passes(content_type: str) -> None:
    assert check_answer(200, content_type, ANSWER.model_dump_json().encode(), PHOTO) == ANSWER


def test_no_detections_at_all_are_a_right_answer() -> None:
    assert check_answer(200, "application/json", _with(detections=[]).encode(), PHOTO).detections == []


def test_a_box_half_a_pixel_past_the_border_is_rounding() -> None:
    check_answer(200, "application/json", _boxed(x_max=451.5).encode(), PHOTO)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xd8", "not JSON"),
        ("{}", "wrong shape: model: missing"),
        ("[]", "wrong shape: answer: model_type"),
        ('{"model": {}}', "wrong shape: model.name: missing"),
        (_with(image=ImageSize(width=300, height=451)), "answer to another image: the size differs"),
        (_with(detections=ANSWER.detections[::-1]), "detections not best first"),
        (_boxed(x_max=1.0), "box without area"),
        (_boxed(x_min=3.0), "box without area"),
        (_boxed(x_max=452.0), "box outside the image"),
        (_boxed(y_max=301.0), "box outside the image"),
        (_with(detections=[ANSWER.detections[0]] * (contract.DEFAULT_LIMIT + 1)), "more detections than the limit"),
        (
            _with(detections=[ANSWER.detections[0].model_copy(update={"score": contract.DEFAULT_THRESHOLD - 0.01})]),
            "score below the threshold",
        ),
    ],
)
def test_names_what_is_wrong_with_the_body(body: bytes | str, kind: str) -> None:
    assert _kind(body) == kind


def test_a_field_the_contract_does_not_know_is_a_wrong_shape() -> None:
    assert _kind(ANSWER.model_dump_json()[:-1] + ', "extra": 1}') == "wrong shape: extra: extra_forbidden"


def test_the_kind_does_not_tell_one_list_entry_from_another() -> None:
    body = ANSWER.model_dump_json().replace('"score":0.61', '"score":"high"')
    assert _kind(body) == "wrong shape: detections.[].score: float_parsing"


@pytest.mark.parametrize(
    ("content_type", "kind"), [("text/html", "content type text/html"), ("", "content type missing")]
)
def test_another_content_type_is_wrong_even_around_a_right_body(content_type: str, kind: str) -> None:
    assert _kind(ANSWER.model_dump_json(), content_type=content_type) == kind


@pytest.mark.parametrize(
    ("status", "content_type", "body", "kind"),
    [
        (500, "text/plain", b"oops", "status 500"),
        (204, "application/json", b"", "status 204"),
        (302, "text/html", b"", "status 302"),
        (429, "application/problem+json", b"<", "status 429: malformed problem"),
        (429, "application/problem+json", b'{"title": 1}', "status 429: malformed problem"),
        (
            503,
            "application/problem+json",
            b'{"type": "about:blank", "title": "Over capacity", "status": 503, "detail": "x"}',
            "status 503: Over capacity",
        ),
    ],
)
def test_another_status_is_wrong_and_a_problem_gives_its_title(
    status: int, content_type: str, body: bytes, kind: str
) -> None:
    assert _kind(body, status=status, content_type=content_type) == kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), "timeout"),
        (HTTPConnectionClosed("connection closed."), "connection closed"),
        (socket.gaierror(-2, "Name or service not known"), "no such host"),
        (ConnectionRefusedError(), "connection refused"),
        (ConnectionResetError(), "connection reset"),
        (BrokenPipeError(), "connection reset"),
        (ssl.SSLCertVerificationError(), "TLS"),
        (OSError(), "no answer: OSError"),
    ],
)
def test_a_request_without_an_answer_is_named_by_its_cause(error: Exception, kind: str) -> None:
    assert transport_kind(error) == kind
