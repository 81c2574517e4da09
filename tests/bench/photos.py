"""The photos that every contestant gets: scikit-image's photographs, cut and scaled to exactly one size, as JPEG."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from service.model.photos import sample_pixels
from tests.bench.record import SIZES, PhotoSize

TINY: Final = (32, 24)
"""Pixels of the photo that asks a server without a model: too few for their decoding to count."""
_QUALITY: Final = 90


def make(folder: Path, sizes: Sequence[PhotoSize]) -> dict[PhotoSize, Path]:
    """A folder of JPEG files for each size, below `folder`."""
    return {name: _folder(folder / name, SIZES[name]) for name in sizes}


def read(folder: Path) -> list[bytes]:
    """The JPEG files of a folder, by name."""
    return [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]


def tiny() -> bytes:
    """One photo of TINY pixels."""
    return _jpeg(next(iter(sample_pixels().values())), TINY)


def _folder(folder: Path, size: tuple[int, int]) -> Path:
    folder.mkdir(parents=True)
    for name, pixels in sample_pixels().items():
        (folder / f"{name}.jpg").write_bytes(_jpeg(pixels, size))
    return folder


def _jpeg(pixels: object, size: tuple[int, int]) -> bytes:
    sink = io.BytesIO()
    fitted = ImageOps.fit(Image.fromarray(pixels), size, Image.Resampling.LANCZOS)  # type: ignore[arg-type]  # an array
    fitted.save(sink, "JPEG", quality=_QUALITY)
    return sink.getvalue()
