"""The photos a run sends: real ones, each start's photo decided by the seed."""

import io
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from PIL import Image

from loadtest.photos.mix import Variant
from loadtest.photos.originals import originals

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


def prepared(mix: Sequence[Variant]) -> tuple[list[Photo], list[float]]:
    """Every photo in every variant, encoded and kept in memory, and how often each is drawn."""
    photos, weights = [], []
    for variant in mix:
        for photo in load_photos():
            photos.append(_as_variant(photo, variant))
            weights.append(variant.weight)
    return photos, weights


def choices(weights: Sequence[float], seed: int) -> list[int]:
    """Which photo goes with which start: the same on every worker and every machine."""
    order = random.Random(f"photos:{seed}")  # noqa: S311  # repeatable on purpose, nothing secret
    return order.choices(range(len(weights)), weights, k=_DRAWN)


def _as_variant(photo: Photo, variant: Variant) -> Photo:
    if variant == Variant(weight=variant.weight):
        return photo
    with Image.open(io.BytesIO(photo.data)) as original:
        image = original.convert("RGB")
    if variant.long_side is not None:
        scale = variant.long_side / max(image.size)
        width, height = (max(round(side * scale), 1) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    sink = io.BytesIO()
    image.save(sink, format=variant.format)
    size = f"@{variant.long_side}" if variant.long_side else ""
    name = f"{photo.name}.{variant.format}{size}"
    return Photo(name, sink.getvalue(), f"image/{variant.format}", image.width, image.height)
