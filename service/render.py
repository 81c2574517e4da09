"""Drawing detections on the photo they were found on."""

import colorsys
from typing import Final

import numpy as np
import simplejpeg  # type: ignore[import-untyped]  # ships no types
from PIL import Image, ImageDraw, ImageFont

from service import problems
from service.decode import Pixels
from service.schema import Detection

QUALITY: Final = 88
MAX_SIDE: Final = 65_500
"""Pixels that libjpeg writes at most in a row or a column."""
_STRIP_ROWS: Final = 64
_GOLDEN: Final = 0.618033988749895


def render(pixels: Pixels, detections: list[Detection]) -> bytes:
    """The photo as JPEG, each detection with its box, label and score; the best score is drawn last, on top.

    `pixels` are drawn on: a photo may fill a good part of the memory, so there is one copy of it and no second. Problem
    422 for a photo with a side longer than JPEG's.
    """
    if max(pixels.shape) > MAX_SIDE:
        raise problems.too_long_to_draw(MAX_SIDE)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    size = max(12, min(image.size) // 28)
    font = ImageFont.load_default(size)
    for detection in reversed(detections):
        _draw(draw, detection, font, max(2, size // 7))
    for top in range(0, image.height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    image.close()
    return bytes(simplejpeg.encode_jpeg(pixels, quality=QUALITY, colorsubsampling="420"))


def colour(class_id: int) -> tuple[int, int, int]:
    """A steady, well-spaced colour for each class: hues by the golden ratio, light enough for black text."""
    red, green, blue = colorsys.hls_to_rgb(class_id * _GOLDEN % 1, 0.62, 0.85)
    return round(red * 255), round(green * 255), round(blue * 255)


def _draw(
    draw: ImageDraw.ImageDraw, detection: Detection, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, line: int
) -> None:
    box, ink = detection.box, colour(detection.class_id)
    draw.rectangle((box.x_min, box.y_min, box.x_max, box.y_max), outline=ink, width=line)
    text = f"{detection.label} {detection.score:.0%}"
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    width, height = right - left + 2 * line + 2, bottom - top + 2 * line
    # Above the box where there is room, else inside it.
    y = box.y_min - height if box.y_min >= height else box.y_min
    draw.rectangle((box.x_min, y, box.x_min + width, y + height), fill=ink)
    draw.text((box.x_min + line + 1 - left, y + line - top), text, fill="black", font=font)
