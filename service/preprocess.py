"""From a photo's pixels to what the model sees, in NumPy, with the numbers of the model's own preprocessor."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def resize_bilinear_legacy(image: Pixels, height: int, width: int) -> Floats:
    """Resize uint8 [H, W, 3] to float32 [height, width, 3] (still 0..255) as TensorFlow 1's `ResizeBilinear` does.

    Source position = target position x (source size / target size), without half-pixel centres and without antialias.
    Pillow's antialiased resize moves this detector's scores by up to 0.2, so the sampling is kept, not approximated.
    """
    top, bottom, down = _positions(image.shape[0], height)
    left, right, across = _positions(image.shape[1], width)
    flat = image.reshape(-1, 3)
    row_above, row_below = top[:, np.newaxis] * image.shape[1], bottom[:, np.newaxis] * image.shape[1]
    weight_x, weight_y = across[np.newaxis, :, np.newaxis], down[:, np.newaxis, np.newaxis]
    above = _between(flat, row_above + left, row_above + right, weight_x)
    below = _between(flat, row_below + left, row_below + right, weight_x)
    below -= above
    below *= weight_y
    below += above
    return below


def _between(flat: Pixels, first: npt.NDArray[np.intp], second: npt.NDArray[np.intp], weight: Floats) -> Floats:
    start = flat.take(first, axis=0).astype(np.float32)
    end = flat.take(second, axis=0).astype(np.float32)
    end -= start
    end *= weight
    end += start
    return end


@lru_cache(maxsize=256)
def _positions(source: int, target: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """For each target index: the source index before it, the one after it, and how far between them it lies."""
    position = np.arange(target, dtype=np.float32) * np.float32(source / target)
    before = np.floor(position).astype(np.intp)
    return before, np.minimum(before + 1, source - 1), (position - before).astype(np.float32)
