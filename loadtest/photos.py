"""The photos a run sends: real ones, each user's order decided by the seed."""

import io
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from PIL import Image

from loadtest.originals import originals


class Photo(NamedTuple):
    """A JPEG and its size in pixels, to which an answer must refer."""

    name: str
    jpeg: bytes
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
            photos.append(Photo(name, jpegs[name], image.width, image.height))
    return tuple(photos)


def sequence(photos: Sequence[Photo], seed: int, user: int) -> Iterator[Photo]:
    """An endless order of photos for one user: the same seed and user give the same order on every machine."""
    order = random.Random(f"{seed}:{user}")  # noqa: S311  # repeatable on purpose, nothing secret
    return (order.choice(photos) for _ in itertools.repeat(None))
