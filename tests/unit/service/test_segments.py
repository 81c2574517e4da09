"""Files in too many pieces are refused before a decoder walks through them; real ones never are."""

import io
import struct
import time
import zlib

import pytest
from PIL import Image

from service import decode, segments
from service.model.photos import sample_photos
from service.problems import Problem
from tests.unit.service.test_intake import encoded

JPEG, PNG = encoded(), encoded("PNG")
EMPTY = {
    "comments": b"\xff\xfe\x00\x02",
    "application-data": b"\xff\xe5\x00\x02",
    "lengths-below-two": b"\xff\xe5\x00\x00",
    "restarts": b"\xff\xd0",
    "padding": b"\xff",
    "stray": b"\x00",
}


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def in_pieces(piece: bytes, count: int) -> bytes:
    """A good JPEG with so many of them behind its first segment."""
    return JPEG[:20] + piece * count + JPEG[20:]


def png_in_pieces(piece: bytes, count: int) -> bytes:
    """A good PNG with so many of them behind its header."""
    return PNG[:33] + piece * count + PNG[33:]


def refused_within(data: bytes, seconds: float) -> str:
    began = time.perf_counter()
    with pytest.raises(Problem) as raised:
        decode.decode(data, "", 1_000_000)
    assert time.perf_counter() - began < seconds
    assert raised.value.status == 400
    return raised.value.detail


@pytest.mark.parametrize("piece", EMPTY.values(), ids=EMPTY.keys())
def test_a_jpeg_of_twenty_megabytes_of_nothing_is_refused_at_once(piece: bytes) -> None:
    assert "more than 1,000 pieces" in refused_within(in_pieces(piece, 20_000_000 // len(piece)), 1.0)


@pytest.mark.parametrize("name", [b"prIv", b"tEXt", b"IDAT", b"iTXt"])
def test_a_png_of_megabytes_of_nothing_is_refused_at_once(name: bytes) -> None:
    assert "pieces" in refused_within(png_in_pieces(chunk(name), 500_000), 2.0)
    assert "pieces" in refused_within(PNG[:-12] + chunk(name) * 500_000 + PNG[-12:], 2.0)


def test_a_few_hundred_pieces_are_taken() -> None:
    for data in (
        in_pieces(EMPTY["comments"], 500),
        in_pieces(EMPTY["padding"], 500),
        png_in_pieces(chunk(b"prIv"), 500),
    ):
        assert decode.decode(data, "", 1_000_000).shape == (48, 64, 3)


def test_photos_have_few() -> None:
    for data in sample_photos().values():
        assert sum(1 for _ in segments._jpeg(data)) < 100


def test_a_large_png_in_small_chunks_is_taken() -> None:
    sink = io.BytesIO()
    Image.effect_noise((1200, 1000), 90).save(sink, "PNG")
    whole = sink.getvalue()
    start, pixels = 33, whole[41:-16]
    small = b"".join(chunk(b"IDAT", pixels[at : at + 1_024]) for at in range(0, len(pixels), 1_024))
    data = whole[:start] + small + whole[-12:]
    assert len(data) > 1_000_000
    assert decode.decode(data, "", 2_000_000).shape == (1000, 1200, 3)


@pytest.mark.parametrize("name", [b"iCCP", b"zTXt", b"iTXt"])
def test_a_text_that_inflates_to_a_gigabyte_does_not(name: bytes) -> None:
    bomb = zlib.compress(bytes(50_000_000))
    data = b"a\0" + (b"\1\0\0\0" if name == b"iTXt" else b"\0") + bomb
    try:
        decode.decode(png_in_pieces(chunk(name, data), 1), "", 1_000_000)
    except Problem as problem:
        assert problem.status == 400  # noqa: PT017  # either will do
