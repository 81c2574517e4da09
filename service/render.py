"""Drawing detections on the photo they were found on."""

import colorsys
import math
from typing import Final

import numpy as np
import simplejpeg  # type: ignore[import-untyped]  # ships no types
from PIL import Image, ImageDraw, ImageFont

from service import problems, tags
from service.decode import Pixels
from service.schema import Detection, ImageSize

QUALITY: Final = 88
MAX_SIDE: Final = 65_500
"""Pixels that libjpeg writes at most in a row or a column."""
_STRIP_ROWS: Final = 64
_GOLDEN: Final = 0.618033988749895


def render(pixels: Pixels, detections: list[Detection]) -> bytes:
    """The photo as JPEG, each detection with its box, label and score; the best score comes first, and is drawn on top.

    `pixels` are drawn on: a photo may fill a good part of the memory, so there is one copy of it and no second. Problem
    422 for a photo with a side longer than JPEG's.
    """
    if max(pixels.shape) > MAX_SIDE:
        raise problems.too_long_to_draw(MAX_SIDE)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    size = max(12, min(image.size) // 28)
    font = ImageFont.load_default(size)
    _draw(draw, detections, ImageSize(width=image.width, height=image.height), font, max(2, size // 7))
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
    draw: ImageDraw.ImageDraw,
    detections: list[Detection],
    photo: ImageSize,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    line: int,
) -> None:
    """All boxes, and then their tags, so that no line crosses one; lines and margins are `line` pixels wide."""
    texts = [f"{one.label} {one.score:.0%}" for one in detections]
    inks = [draw.textbbox((0, 0), text, font=font) for text in texts]
    places: list[tags.Place] = []  # the best score chooses first
    for one, (left, top, right, bottom) in zip(detections, inks, strict=True):
        width = min(math.ceil(right - left) + 2 * line + 2, photo.width)
        places.append(tags.place(one.box, width, math.ceil(bottom - top) + 2 * line, photo, places))
    for one in reversed(detections):
        corners = (one.box.x_min, one.box.y_min, one.box.x_max, one.box.y_max)
        draw.rectangle(corners, outline=colour(one.class_id), width=line)
    for one, text, (left, top, *_), tag in reversed(list(zip(detections, texts, inks, places, strict=True))):
        # Pillow draws the last row and column too.
        last = (tag.x + tag.width - 1, tag.y + tag.height - 1)
        draw.rectangle((tag.x, tag.y, *last), fill=colour(one.class_id))
        draw.text((tag.x + line + 1 - left, tag.y + line - top), text, fill="black", font=font)
