"""Pillow's images as RGB pixels, converted strip by strip, so that a large one is not held several times."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

_PIXELS: Final = 1_000_000
"""Of one strip."""


def in_strips(image: Image.Image) -> npt.NDArray[np.uint8]:
    """The decoded image as RGB uint8 [height, width, 3]; whole conversions would hold up to four copies at once."""
    image.load()
    if isinstance(image, ImageFile.ImageFile):
        # What only further frames would need: WebP's two canvases and its frame as bytes, 12 bytes a pixel.
        vars(image).pop("_decoder", None)
        if image.fp is not None:
            image.fp.close()
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = _rgb(image.crop((0, top, width, bottom)))
    return pixels


def _rgb(strip: Image.Image) -> npt.NDArray[np.uint8]:
    """A strip as RGB, transparency laid on white; greyscale [height, width, 1] where it is 16 bits wide."""
    if strip.mode.startswith("I") or strip.mode == "F":
        # Pillow's own conversion would clip everything above 255 to white.
        values = np.asarray(strip).astype(np.uint32) >> 8
        return np.asarray(np.minimum(values, 255), np.uint8)[:, :, np.newaxis]
    if strip.has_transparency_data:
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip.convert("RGBA"))
    return np.asarray(strip.convert("RGB"))
