"""How many pieces an image file is made of: refused before a decoder walks through them one by one.

Pillow reads a JPEG's segments and a PNG's chunks in Python and keeps what it finds. 20 MB of empty ones would occupy a
worker for half a minute and take 400 MB (measured with 50,000 of them: 0.25 s and 3.7 MB).
"""

from collections.abc import Iterator
from typing import Final, Literal

from service import problems

MOST: Final = 1_000
"""Real photos have a few dozen; maps and videos that phones put into them come in segments of 64 kB."""
_PNG_CHUNK_BYTES: Final = 1_024
"""A PNG's pixels come in chunks as well, of 8 kB where libpng wrote them: so many bytes a chunk are always taken."""
_BARE: Final = frozenset({0x01, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})
"""Second bytes of JPEG markers that no length follows, as Pillow reads them (ITU-T T.81, table B.1)."""
_START_OF_SCAN: Final = 0xDA


def few(kind: Literal["JPEG", "PNG", "WEBP"], data: bytes) -> None:
    """Problem 400 for a file of more pieces than photos have. Decoders find out what else may be wrong with it."""
    if kind == "WEBP":
        return  # libwebp reads it, in C
    most = MOST if kind == "JPEG" else MOST + len(data) // _PNG_CHUNK_BYTES
    pieces = _jpeg(data) if kind == "JPEG" else _png(data)
    if any(number >= most for number, _ in enumerate(pieces)):
        raise problems.bad_image(f"The {kind} data is in more than {most:,} pieces, which no photo is.")


def _jpeg(data: bytes) -> Iterator[int]:
    """Where each segment before the pixels starts, and each byte between them that belongs to none."""
    place = 2
    while place + 1 < len(data):
        yield place
        first, second = data[place], data[place + 1]
        if first == 0xFF and second == _START_OF_SCAN:
            return
        if first != 0xFF or second in (0x00, 0xFF):
            place += 1
        elif second in _BARE:
            place += 2
        else:
            place += 2 + max(2, int.from_bytes(data[place + 2 : place + 4], "big"))


def _png(data: bytes) -> Iterator[int]:
    """Where each chunk starts."""
    place = 8
    while place < len(data):
        yield place
        place += 12 + int.from_bytes(data[place : place + 4], "big")
