"""Real photographs to calibrate, judge and try a detector with, taken from scikit-image's wheel; no TensorFlow here.

Photos that calibrate int8 never judge it: the two lists share no scene, and every variant is made from a seed, so a
figure can be made again. Nothing is stored in git: the wheel's files are read where pip put them.
"""

import importlib.util
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from lookout.errors import LookoutError

Pixels = npt.NDArray[np.uint8]
"""Upright RGB pixels [height, width, 3]."""

HELD_OUT: Final = ("chelsea.png", "coffee.png", "motorcycle_left.png")
"""Photos with objects the detector is sure about: cat, cup and dining table, motorcycle. They judge."""
CALIBRATION: Final = (
    "astronaut.png",
    "rocket.jpg",
    "camera.png",
    "clock_motion.png",
    "coins.png",
    "color.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "retina.jpg",
    "gravel.png",
    "grass.png",
    "moon.png",
    "page.png",
)
"""People, machines, textures and light of other scenes. They set the ranges of int8."""
SAMPLES: Final = {"chelsea": "chelsea.png", "coffee": "coffee.png", "motorcycle": "motorcycle_left.png"}
_SAMPLE_QUALITY: Final = 90


@dataclass(frozen=True)
class Variant:
    """One seeded variant of a photo."""

    name: str
    jpeg: bytes

    @property
    def pixels(self) -> Pixels:
        """As Pillow decodes it."""
        return np.asarray(Image.open(io.BytesIO(self.jpeg)))


def sample_photos() -> dict[str, bytes]:
    """Three photographs as JPEG bytes by name: chelsea (a cat), coffee (a cup on a table) and motorcycle."""
    return {name: _jpeg(_photo(file), _SAMPLE_QUALITY) for name, file in SAMPLES.items()}


def sample_pixels() -> dict[str, Pixels]:
    """The photographs of `sample_photos`, undistorted, as pixels."""
    return {name: np.asarray(_photo(file)) for name, file in SAMPLES.items()}


def held_out(count: int, seed: int = 20_000) -> Iterator[Variant]:
    """`count` variants of the photos that judge a runtime."""
    return _variants(HELD_OUT, count, seed)


def large(count: int, least: tuple[int, int], seed: int = 30_000) -> Iterator[Variant]:
    """`count` big variants of the photos that judge, their sides 2 to 2.6 times `least` (height, width) or more, every
    eighth's twice that.

    The photos are small, so these are enlarged, sharpened and given a sensor's grain, until their finest structures are
    one pixel wide, as in a camera's picture. They judge decoding, for which that matters, and nothing else.
    """
    for number in range(count):
        file = HELD_OUT[number % len(HELD_OUT)]
        draw = np.random.default_rng([seed, number])
        times = draw.uniform(2.0, 2.6) * (2 if number % 8 == 7 else 1)
        yield Variant(f"{Path(file).stem}-{number:04d}", _enlarged(_photo(file), draw, times, least))


def calibration(count: int, seed: int = 10_000) -> Iterator[Variant]:
    """`count` variants of the photos that calibrate int8."""
    return _variants(CALIBRATION, count, seed)


def _variants(files: tuple[str, ...], count: int, seed: int) -> Iterator[Variant]:
    for number in range(count):
        file = files[number % len(files)]
        yield Variant(f"{Path(file).stem}-{number:04d}", _variant(_photo(file), np.random.default_rng([seed, number])))


def _variant(photo: Image.Image, draw: np.random.Generator) -> bytes:
    """A crop of 60 to 100 % of each side, 0.5 to 1.6 times as large, mirrored or not, other light, JPEG 55 to 95."""
    image = _cropped(photo, draw)
    factor = draw.uniform(0.5, 1.6)
    wide, high = (max(1, round(side * factor)) for side in image.size)
    image = image.resize((wide, high), Image.Resampling.BICUBIC)
    if draw.random() < 0.5:
        image = ImageOps.mirror(image)
    image = ImageEnhance.Brightness(image).enhance(draw.uniform(0.7, 1.3))
    image = ImageEnhance.Contrast(image).enhance(draw.uniform(0.8, 1.2))
    return _jpeg(image, int(draw.integers(55, 96)))


def _enlarged(photo: Image.Image, draw: np.random.Generator, times: float, least: tuple[int, int]) -> bytes:
    """A crop with sides of at least `times` `least` (height, width), sharp, with grain, JPEG 70 to 95."""
    image = _cropped(photo, draw)
    factor = times * max(least[0] / image.height, least[1] / image.width)
    image = image.resize((ceil(image.width * factor), ceil(image.height * factor)), Image.Resampling.LANCZOS)
    image = image.filter(ImageFilter.UnsharpMask(radius=2, percent=int(draw.integers(50, 151)), threshold=0))
    grain = draw.normal(0, draw.uniform(1, 8), (image.height, image.width, 1)).astype(np.float32)
    pixels = np.clip(np.asarray(image, np.float32) + grain, 0, 255).astype(np.uint8)
    return _jpeg(Image.fromarray(pixels), int(draw.integers(70, 96)))


def _cropped(photo: Image.Image, draw: np.random.Generator) -> Image.Image:
    """60 to 100 % of each side."""
    width, height = photo.size
    crop_width, crop_height = (round(side * draw.uniform(0.6, 1.0)) for side in (width, height))
    left, top = int(draw.integers(width - crop_width + 1)), int(draw.integers(height - crop_height + 1))
    return photo.crop((left, top, left + crop_width, top + crop_height))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@cache
def _photo(file: str) -> Image.Image:
    path = _folder() / file
    if not path.is_file():
        raise LookoutError(f"scikit-image has no photo {file}", "install the locked requirements: make venv")
    return Image.open(path).convert("RGB")


def _folder() -> Path:
    # The package is located, not imported: importing it costs a second and its loaders want to download.
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        raise LookoutError(
            "scikit-image, which brings the sample photos, is not installed", "install the locked requirements"
        )
    return Path(found.origin).parent / "data"
