"""From a photo's pixels to what the model sees, in NumPy, with the numbers of the model's own preprocessor."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


def resize_bilinear_legacy(image: Pixels, height: int, width: int) -> Floats:
    """Resize uint8 [H, W, 3] to float32 [height, width, 3] (still 0..255) as TensorFlow 1's `ResizeBilinear` does.

    Source position = target position x (source size / target size), without half-pixel centres and without antialias.
    Pillow's antialiased resize moves this detector's scores by up to 0.2, so the sampling is kept, not approximated.
    """
    top, bottom, down = _positions(image.shape[0], height)
    left, right, across = _positions(image.shape[1], width)
    # Rows and columns lie flat, colours side by side: NumPy is slow where the innermost dimension has three values.
    weight_x, weight_y = across.repeat(3), down[:, np.newaxis]
    above = _across(image.take(top, axis=0), left, right, weight_x)
    below = _across(image.take(bottom, axis=0), left, right, weight_x)
    below -= above
    below *= weight_y
    below += above
    return below.reshape(height, width, 3)


def _across(rows: Pixels, left: Places, right: Places, weight: Floats) -> Floats:
    """Each row [R, W, 3] between its pixels at `left` and `right`: float32 [R, 3 x columns]."""
    start = rows.take(left, axis=1).reshape(len(rows), -1).astype(np.float32)
    end = rows.take(right, axis=1).reshape(len(rows), -1).astype(np.float32)
    end -= start
    end *= weight
    end += start
    return end


@lru_cache(maxsize=256)
def _positions(source: int, target: int) -> tuple[Places, Places, Floats]:
    """For each target index: the source index before it, the one after it, and how far between them it lies."""
    position = np.arange(target, dtype=np.float32) * np.float32(source / target)
    before = np.floor(position).astype(np.intp)
    return before, np.minimum(before + 1, source - 1), (position - before).astype(np.float32)
