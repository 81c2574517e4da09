"""Which parts of a photo a detection rests on: hide one after the other and see how far its score falls.

Occlusion sensitivity, after Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (2014), section
4.2, on the model's own input: what is hidden there is hidden from the model and nothing else has changed.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from service.postprocess import Detections, Floats, overlap

Inputs = npt.NDArray[Any]
SAME_OBJECT_IOU: Final = 0.5
_MARGIN: Final = 0.25
"""Of the box's sides, on each side: what stands around an object also speaks for it."""


def region(box: Floats) -> Floats:
    """The part of the photo that is looked at for a box: ymin, xmin, ymax, xmax in 0..1, as the box."""
    margin = (box[2:] - box[:2]) * _MARGIN
    return _within(box[:2] - margin, box[2:] + margin)


def patches(looked_at: Floats, cells: int) -> Iterator[Floats]:
    """What is hidden for each of `cells` x `cells` cells, row by row, in 0..1: the cell and one cell around it. A
    detector hardly misses a smaller part, and what lies on the edge of two cells is hidden whole at least once."""
    size = (looked_at[2:] - looked_at[:2]) / cells
    for row in range(cells):
        for column in range(cells):
            start = looked_at[:2] + size * (row, column)
            yield _within(start - size, start + size * 2)


def hidden(prepared: Inputs, patch: Floats) -> Inputs:
    """A copy of the model's input [1, height, width, 3] with a patch filled with the photo's mean colour."""
    height, width = prepared.shape[1:3]
    top, left = np.floor(patch[:2] * (height, width)).astype(int)
    bottom, right = np.ceil(patch[2:] * (height, width)).astype(int)
    changed = prepared.copy()
    changed[:, top:bottom, left:right] = prepared.mean(axis=(0, 1, 2)).astype(prepared.dtype)
    return changed


def score_of(box: Floats, class_id: int, found: Detections) -> float:
    """The score that an object still has: of the same class, and with an overlap of at least one half; else 0."""
    same = (found.classes == class_id) & (overlap(box, found.boxes) >= SAME_OBJECT_IOU)
    return float(found.scores[same].max(initial=0.0))


def _within(low: npt.NDArray[Any], high: npt.NDArray[Any]) -> Floats:
    return np.asarray(np.clip(np.concatenate([low, high]), 0, 1), np.float32)
