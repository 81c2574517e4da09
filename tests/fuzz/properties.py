"""What holds for any bytes at all: each function takes some and fails when a promise of the service does not hold."""

import asyncio
from collections.abc import Sequence
from typing import Final

import numpy as np
from starlette.requests import Request
from starlette.types import Message

from service import decode, intake
from service.oip import inputs, wire
from service.problems import Problem
from service.settings import Settings

MAX_PIXELS: Final = 100_000
"""Small, so that many inputs are tried in little time."""
_SETTINGS: Final = Settings(max_image_pixels=MAX_PIXELS, max_image_bytes=50_000, max_batch_bytes=50_000)
_LONGEST_DETAIL: Final = 300
_LOOP: Final = asyncio.Runner()
"""One event loop for all: making one takes longer than reading a body."""


def decodes_or_says_why(data: bytes, declared: str = "") -> None:
    """Upright pixels within the budget, for which room was asked first, or a problem of the sender's making."""
    asked: list[int] = []
    try:
        pixels = decode.decode(data, declared, MAX_PIXELS, before=asked.append)
    except Problem as problem:
        _is_the_senders(problem, {400, 415, 422})
        return
    height, width, channels = pixels.shape
    assert channels == 3
    assert pixels.dtype == np.uint8
    assert 1 <= width * height <= MAX_PIXELS
    assert len(asked) == 1
    assert width * height * 3 <= asked[0] <= MAX_PIXELS * decode.MOST_PEAK_BYTES


def reads_or_says_why(content_type: bytes, pieces: Sequence[bytes], several: bool) -> None:
    """The photos of a body that comes in these pieces, no larger than it, or a problem; every byte is counted."""
    counted: list[int] = []
    rest = list(pieces)

    async def receive() -> Message:
        piece = rest.pop(0) if rest else b""
        return {"type": "http.request", "body": piece, "more_body": bool(rest)}

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", content_type)]}
    request = Request(scope, receive)

    async def read() -> list[intake.Photo]:
        if several:
            return await intake.several_photos(request, _SETTINGS, counted.append)
        return [await intake.one_photo(request, _SETTINGS, counted.append)]

    try:
        photos = _LOOP.run(read())
    except Problem as problem:
        _is_the_senders(problem, {400, 413, 415, 422})
    else:
        assert 1 <= len(photos) <= 16
        assert sum(len(photo.data) for photo in photos) <= sum(counted)
    assert sum(counted) <= sum(map(len, pieces))


def infers_or_says_why(body: bytes, header_length: str | None) -> None:
    """The images of an inference request, no more of them than are taken, or a problem."""
    try:
        parts = wire.frame(body, header_length)
        images = inputs.images(wire.parse(parts), _SETTINGS)
    except Problem as problem:
        _is_the_senders(problem, {400, 413, 422})
        return
    assert 1 <= len(images) <= 16


def _is_the_senders(problem: Problem, statuses: set[int]) -> None:
    assert problem.status in statuses, problem.detail
    assert len(problem.detail) < _LONGEST_DETAIL, problem.detail
    assert problem.body().model_dump_json()
