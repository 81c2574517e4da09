"""Box agreement between a runtime and the reference SavedModel: pure functions over detections, and the gate."""

from collections.abc import Iterable
from statistics import median
from typing import Annotated, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from service.postprocess import Detections, overlap

MIN_F1: Final = 0.95
MAX_SCORE_SHIFT: Final = 0.03
MIN_VARIANTS: Final = 200
MATCH_IOU: Final = 0.5
THRESHOLD: Final = 0.5
"""The API's default: what a user sees is what is judged."""


class Parity(BaseModel):
    """How far one runtime agrees with the reference over a number of photo variants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runtime: str
    variants: Annotated[int, Field(ge=0)]
    matched: Annotated[int, Field(ge=0)]
    missed: Annotated[int, Field(ge=0)]
    """Boxes of the reference that the runtime does not have."""
    added: Annotated[int, Field(ge=0)]
    """Boxes of the runtime that the reference does not have."""
    f1: float
    median_score_shift: float | None
    """Median of |score - reference score| over matched boxes; None when nothing matched."""

    @property
    def failures(self) -> list[str]:
        """Why the gate does not let this runtime through; empty when it passes."""
        reasons = []
        if self.variants < MIN_VARIANTS:
            reasons.append(f"judged on {self.variants} variants, at least {MIN_VARIANTS} are needed")
        if self.f1 < MIN_F1:
            reasons.append(f"F1 {self.f1:.4f} is under {MIN_F1}")
        if self.median_score_shift is None:
            reasons.append("no box matched, so there is nothing to judge")
        elif self.median_score_shift > MAX_SCORE_SHIFT:
            reasons.append(f"median score shift {self.median_score_shift:.4f} is over {MAX_SCORE_SHIFT}")
        return reasons

    @property
    def passed(self) -> bool:
        """Whether the gate lets this runtime through."""
        return not self.failures


def compare(runtime: str, pairs: Iterable[tuple[Detections, Detections]]) -> Parity:
    """Judge pairs of (reference, candidate) detections, one pair a variant."""
    variants = missed = added = 0
    shifts: list[float] = []
    for reference, candidate in pairs:
        found = match(reference, candidate)
        variants += 1
        missed += len(reference) - len(found)
        added += len(candidate) - len(found)
        shifts += [abs(float(reference.scores[one] - candidate.scores[other])) for one, other in found]
    matched = len(shifts)
    boxes = 2 * matched + missed + added
    return Parity(
        runtime=runtime,
        variants=variants,
        matched=matched,
        missed=missed,
        added=added,
        f1=round(2 * matched / boxes, 6) if boxes else 0.0,
        median_score_shift=round(median(shifts), 6) if shifts else None,
    )


def match(reference: Detections, candidate: Detections, iou: float = MATCH_IOU) -> list[tuple[int, int]]:
    """Pairs of indices of boxes of one class that overlap by at least `iou`; greedy, best candidate score first, each
    box used once (as COCO's own evaluation does)."""
    free = np.ones(len(reference), dtype=bool)
    pairs: list[tuple[int, int]] = []
    for index in range(len(candidate)):
        overlaps = overlap(candidate.boxes[index], reference.boxes)
        overlaps = np.where(free & (reference.classes == candidate.classes[index]), overlaps, -1)
        best = int(np.argmax(overlaps)) if len(overlaps) else -1
        if best >= 0 and overlaps[best] >= iou:
            free[best] = False
            pairs.append((best, index))
    return pairs
