"""The photos a run sends: real ones, each start's photo decided by the seed."""

import io
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from PIL import Image

from loadtest.originals import originals

_DRAWN: Final = 65_536
"""Choices drawn before a run; start number i takes choice i modulo their number."""


class Photo(NamedTuple):
    """An encoded image and its size in pixels, to which an answer must refer."""

    name: str
    data: bytes
    content_type: str
    width: int
    height: int


@cache
def load_photos() -> tuple[Photo, ...]:
    """The bundled sample photographs, by name."""
    return with_sizes(originals())


def with_sizes(jpegs: Mapping[str, bytes]) -> tuple[Photo, ...]:
    """Photos sorted by name, sizes read from the JPEG headers."""
    photos = []
    for name in sorted(jpegs):
        with Image.open(io.BytesIO(jpegs[name])) as image:
            photos.append(Photo(name, jpegs[name], "image/jpeg", image.width, image.height))
    return tuple(photos)


def choices(photos: Sequence[Photo], seed: int) -> list[int]:
    """Which photo goes with which start: the same on every worker and every machine."""
    order = random.Random(f"photos:{seed}")  # noqa: S311  # repeatable on purpose, nothing secret
    return order.choices(range(len(photos)), k=_DRAWN)
