"""What one photo looks like, and what was found on it, in the few numbers that are watched."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from service.postprocess import Detections
from service.preprocess import Pixels

_GRID: Final = 24
"""Points looked at along each side at most: some six hundred tell the mean luma to two percent of its range, in a
few tens of microseconds whatever the photo's size."""
_LUMA: Final = (0.299, 0.587, 0.114)
"""Of red, green and blue: ITU-R BT.601, as JPEG's own Y."""
_WHITE: Final = 255


@dataclass(frozen=True)
class Sight:
    """One photo and what was found on it."""

    pixels: int
    """Width times height of the photo as sent."""
    brightness: float
    """Mean luma, 0..1."""
    scores: tuple[float, ...] = ()
    """Best first."""
    classes: tuple[int, ...] = ()
    """Class ids, in the order of the scores."""


def of(image: Pixels, size: int, found: Detections) -> Sight:
    """A photo of `size` pixels, decoded (perhaps smaller) to `image`."""
    return Sight(size, brightness(image), tuple(found.scores.tolist()), tuple(found.classes.tolist()))


def brightness(image: Pixels) -> float:
    """Mean luma of upright RGB pixels uint8 [H, W, 3], 0..1, estimated on a grid of points."""
    rows, columns = (-(-side // _GRID) for side in image.shape[:2])
    points = image[rows // 2 :: rows, columns // 2 :: columns]
    # The sums of the channels and not their means: between a photo's other work NumPy's `mean` takes twice as long.
    sums = np.add.reduce(points, axis=(0, 1), dtype=np.uint32).tolist()
    luma = sum(weight * total for weight, total in zip(_LUMA, sums, strict=True))
    return float(luma / (_WHITE * points.shape[0] * points.shape[1]))
