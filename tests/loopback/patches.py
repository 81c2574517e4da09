"""A second detector as its publisher would offer it: an archive, what its card says, a photo with known answers."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from service.schema import DetectResponse

NAME: Final = "patches_96x96"
LABELS: Final = {1: "light", 3: "dark", 5: "warm"}
CARD: Final[dict[str, Any]] = {
    "name": NAME,
    "title": "Light, dark and warm patches, 96x96",
    "labels": {str(number): name for number, name in LABELS.items()},
    "source__path": "patches/saved_model",
}
CUT: Final[dict[str, Any]] = {
    "input": {"height": 96, "width": 96, "scale": 2 / 255, "offset": -1.0},
    "graph": {
        "preprocessed": "StatefulPartitionedCall/preprocessed:0",
        "encodings": "StatefulPartitionedCall/encodings:0",
        "logits": "StatefulPartitionedCall/logits:0",
        "anchors": "StatefulPartitionedCall/anchors:0",
        "coder_scales": [10.0, 10.0, 5.0, 5.0],
    },
}
"""What a card says beside, to have the model converted."""
_PATCHES: Final = {"light": ((255, 255, 255), 0, 0), "dark": ((0, 0, 0), 4, 1), "warm": ((200, 130, 60), 1, 4)}
"""Colour, column and row of each patch on the photo, in steps of a sixth of its sides; a patch is two steps large."""


def archive(place: Path) -> Path:
    """Make the model in a process of its own, and pack it as the zoo's archives are packed."""
    make = Path(__file__).parent / "second_detector.py"
    subprocess.run([sys.executable, make, place / "patches/saved_model"], check=True, capture_output=True)
    with tarfile.open(place / "patches.tar.gz", "w:gz") as tar:
        tar.add(place / "patches", "patches")
    return place / "patches.tar.gz"


def photo(width: int, height: int, suffix: str = "PNG") -> bytes:
    """A grey photo with one patch of each kind."""
    pixels = np.full((height, width, 3), 115, np.uint8)
    for colour, column, row in _PATCHES.values():
        top, left = round(row * height / 6), round(column * width / 6)
        pixels[top : round((row + 2) * height / 6), left : round((column + 2) * width / 6)] = colour
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, suffix)
    return buffer.getvalue()


def misplaced(answer: DetectResponse) -> list[str]:
    """What is wrong with the answer about such a photo: a patch is missing, doubled, misnamed or not where it lies."""
    width, height = answer.image.width, answer.image.height
    wrong = []
    if sorted(one.label for one in answer.detections) != sorted(_PATCHES):
        wrong.append(f"found {[one.label for one in answer.detections]}")
    for one in answer.detections:
        _, column, row = _PATCHES.get(one.label, ((), -9, -9))
        sides = (column * width / 6, row * height / 6, (column + 2) * width / 6, (row + 2) * height / 6)
        found = (one.box.x_min, one.box.y_min, one.box.x_max, one.box.y_max)
        if max(abs(a - b) for a, b in zip(found, sides, strict=True)) > width / 96:  # a pixel of what the model sees
            wrong.append(f"{one.label} at {found} instead of {sides}")
        if LABELS.get(one.class_id) != one.label:
            wrong.append(f"{one.label} has id {one.class_id}")
    return wrong
