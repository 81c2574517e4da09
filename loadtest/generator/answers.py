"""Judging one answer: the right status, type and shape, and boxes that can be true of the photo that was sent.

The shape comes from the service's own models, so that load test and service cannot drift apart.
"""

import socket
import ssl
from typing import Final

from geventhttpclient.response import HTTPConnectionClosed
from pydantic import ValidationError

from loadtest.photos.prepared import Photo
from lookout import contract
from service.schema import DetectResponse, Problem

_PIXEL: Final = 0.5
"""Boxes come from a float32 grid: half a pixel past the border is rounding, more is a mistake."""


class WrongAnswerError(Exception):
    """What is wrong with an answer; `kind` groups equal mistakes, so it holds no value that differs by request."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def check_answer(status: int, content_type: str, body: bytes, photo: Photo) -> DetectResponse:
    """The parsed answer to `/v1/detect` with default parameters. Raises WrongAnswerError if it is not correct."""
    media_type = content_type.partition(";")[0].strip().lower()
    if status != 200:
        raise WrongAnswerError(f"status {status}{_problem_title(media_type, body)}")
    if media_type != "application/json":
        raise WrongAnswerError(f"content type {media_type or 'missing'}")
    try:
        answer = DetectResponse.model_validate_json(body)
    except ValidationError as error:
        raise WrongAnswerError(_shape(error)) from error
    _check_content(answer, photo)
    return answer


def check_any(status: int) -> None:
    """WrongAnswerError unless the status says that the request succeeded."""
    if not 200 <= status < 300:
        raise WrongAnswerError(f"status {status}")


def transport_kind(error: BaseException) -> str:
    """The kind of a request that got no answer at all, from the exception of the HTTP client."""
    for kind, types in (
        ("timeout", TimeoutError),
        ("connection refused", ConnectionRefusedError),
        ("connection reset", (ConnectionResetError, BrokenPipeError)),
        ("TLS", ssl.SSLError),
        ("connection closed", HTTPConnectionClosed),
        ("no such host", socket.gaierror),
    ):
        if isinstance(error, types):
            return kind
    return f"no answer: {type(error).__name__}"


def _problem_title(media_type: str, body: bytes) -> str:
    """`: title` of an RFC 9457 problem; titles do not vary between occurrences of one problem type."""
    if media_type != "application/problem+json":
        return ""
    try:
        return f": {Problem.model_validate_json(body).title[:60]}"
    except ValidationError:
        return ": malformed problem"


def _shape(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return "not JSON"
    where = ".".join("[]" if isinstance(part, int) else str(part) for part in first["loc"])
    return f"wrong shape: {where or 'answer'}: {first['type']}"


def _check_content(answer: DetectResponse, photo: Photo) -> None:
    if (answer.image.width, answer.image.height) != (photo.width, photo.height):
        raise WrongAnswerError("answer to another image: the size differs")
    scores = [detection.score for detection in answer.detections]
    if scores != sorted(scores, reverse=True):
        raise WrongAnswerError("detections not best first")
    if any(score < contract.DEFAULT_THRESHOLD for score in scores):
        raise WrongAnswerError("score below the threshold")
    if len(scores) > contract.DEFAULT_LIMIT:
        raise WrongAnswerError("more detections than the limit")
    for box in (detection.box for detection in answer.detections):
        if not (box.x_min < box.x_max and box.y_min < box.y_max):
            raise WrongAnswerError("box without area")
        inside_x = box.x_min >= -_PIXEL and box.x_max <= photo.width + _PIXEL
        inside_y = box.y_min >= -_PIXEL and box.y_max <= photo.height + _PIXEL
        if not (inside_x and inside_y):
            raise WrongAnswerError("box outside the image")
