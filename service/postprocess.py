"""From raw predictions to detections, in NumPy: decode boxes with anchors, keep scores over the threshold, suppress."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

MAX_CANDIDATES: Final = 2_000
"""Candidates that enter suppression, best first. At the default threshold a photo has a few dozen; the bound keeps a
request with threshold 0 (all 172,530 scores of the default model) from costing a second."""


@dataclass(frozen=True)
class Detections:
    """Detections of one photo, best score first."""

    boxes: Floats
    """[K, 4]: ymin, xmin, ymax, xmax in 0..1."""
    scores: Floats
    """[K], 0..1."""
    classes: Ints
    """[K], ids from 1."""

    def __len__(self) -> int:
        return len(self.scores)

    def first(self, limit: int, threshold: float = 0.0) -> "Detections":
        """The best `limit` detections with a score of at least `threshold`."""
        kept = np.flatnonzero(self.scores >= threshold)[:limit]
        return Detections(self.boxes[kept], self.scores[kept], self.classes[kept])


def detect(
    encodings: Floats,
    logits: Floats,
    anchors: Floats,
    *,
    scales: tuple[float, float, float, float],
    threshold: float,
    limit: int,
    iou: float,
) -> Detections:
    """Detections from one photo's `encodings` [A, 4] and `logits` [A, 1 + classes] (column 0 is the background).

    Scores are the sigmoid of the logits. Suppression is per class at `iou`, as in the zoo's exports.
    """
    # The sigmoid is monotonic: candidates are chosen by logit, so that it is computed for few instead of for all.
    bound = -np.inf if threshold <= 0 else np.inf if threshold >= 1 else np.log(threshold / (1 - threshold))
    # The background goes after that choice: cut off before it, all logits of the others would be copied.
    chosen = np.flatnonzero(logits >= np.float32(bound))
    chosen = chosen[chosen % logits.shape[1] != 0]
    values = logits.ravel()[chosen]
    if len(chosen) > MAX_CANDIDATES:
        best = np.argpartition(-values, MAX_CANDIDATES - 1)[:MAX_CANDIDATES]
        chosen, values = chosen[best], values[best]
    order = np.argsort(-values, kind="stable")
    chosen, values = chosen[order], values[order]
    places, classes = np.divmod(chosen, logits.shape[1])
    boxes = decode(encodings[places], anchors[places], scales)
    kept = suppress(boxes, classes, iou, limit)
    return Detections(np.clip(boxes[kept], 0, 1), sigmoid(values[kept]), classes[kept].astype(np.int64))


def decode(encodings: Floats, anchors: Floats, scales: tuple[float, float, float, float]) -> Floats:
    """Boxes [K, 4] from encodings (ty, tx, th, tw) and anchors, both [K, 4]: the Faster R-CNN box coder."""
    size = anchors[:, 2:] - anchors[:, :2]
    centre = anchors[:, :2] + size / 2
    scaled = encodings / np.asarray(scales, np.float32)
    middle = scaled[:, :2] * size + centre
    half = np.exp(scaled[:, 2:]) * size / 2
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)


def suppress(boxes: Floats, classes: Ints, iou: float, limit: int) -> Ints:
    """Indices of the boxes that survive greedy per-class suppression, at most `limit`; boxes come best first."""
    kept: list[int] = []
    alive = np.ones(len(boxes), dtype=bool)
    for index in range(len(boxes)):
        if not alive[index]:
            continue
        kept.append(index)
        if len(kept) == limit:
            break
        rest = np.flatnonzero(alive[index + 1 :] & (classes[index + 1 :] == classes[index])) + index + 1
        if len(rest):
            alive[rest[overlap(boxes[index], boxes[rest]) > iou]] = False
    return np.asarray(kept, dtype=np.int64)


def overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box [4] with others [K, 4]; 0 where a box has no area."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(np.clip(others[:, 2:] - others[:, :2], 0, None), axis=1)
    union = float(np.prod(np.clip(box[2:] - box[:2], 0, None))) + areas - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float32)


def sigmoid(logits: Floats) -> Floats:
    """The logistic function in float32, without overflow."""
    upper = 1 / (1 + np.exp(-np.abs(logits)))
    return np.asarray(np.where(logits >= 0, upper, 1 - upper), np.float32)
