"""What photos and results look like, as counts in fixed bins: the profile of a model's calibration photos.

Drift is judged against it (service/drift.py), so it says all that is needed to count other photos the same way.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lookout import contract
from service.sight import Sight

Feature = Literal["brightness", "class", "pixels", "score"]

PIXELS: Final = (1e5, 3e5, 1e6, 3e6, 1e7)
"""Width times height: about half a decade a bin, from thumbnails to a phone's 12 megapixels."""
BRIGHTNESS: Final = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
SCORES: Final = (0.6, 0.7, 0.8, 0.9)
_RARE: Final = 0.05
"""A class with a smaller share of the detections is counted with all the others: nearly empty bins make PSI jump."""

Counts = tuple[Annotated[int, Field(ge=0)], ...]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Histogram(_Frozen):
    """Counts of a quantity between edges; a value on an edge lies above it."""

    edges: tuple[float, ...]
    counts: Counts

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if len(self.counts) != len(self.edges) + 1 or any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError("edges must rise, and counts be one more than they")
        return self

    def bin(self, value: float) -> int:
        """The index of the count that a value belongs to."""
        return bisect_right(self.edges, value)


class Classes(_Frozen):
    """Counts by class; the last is of all classes that are not named."""

    ids: tuple[int, ...]
    counts: Counts

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if len(self.counts) != len(self.ids) + 1 or len(set(self.ids)) != len(self.ids):
            raise ValueError("ids must differ, and counts be one more than they")
        return self

    def bin(self, class_id: int) -> int:
        """The index of the count that a class belongs to."""
        return self.ids.index(class_id) if class_id in self.ids else len(self.ids)


class Profile(_Frozen):
    """How often what was seen on a set of photos."""

    schema_version: Literal[1] = 1
    photos: Annotated[int, Field(ge=1)]
    source: str
    """Which photos, in words."""
    threshold: Annotated[float, Field(ge=0, le=1)] = contract.DEFAULT_THRESHOLD
    limit: Annotated[int, Field(ge=1, le=contract.MAX_LIMIT)] = contract.DEFAULT_LIMIT
    """Of each photo, the best `limit` detections of at least `threshold` were counted."""
    brightness: Histogram
    pixels: Histogram
    score: Histogram
    classes: Classes

    def counts(self) -> dict[Feature, Counts]:
        """The counts of every feature."""
        return {
            "brightness": self.brightness.counts,
            "class": self.classes.counts,
            "pixels": self.pixels.counts,
            "score": self.score.counts,
        }

    def bins(self, sight: Sight, threshold: float, limit: int) -> dict[Feature, list[int]]:
        """Indices of the counts that a photo belongs to, which was asked about with this threshold and limit.

        A request that asked for less than the profile counts tells nothing of scores and classes: what it did not get
        may have been there.
        """
        found: dict[Feature, list[int]] = {
            "brightness": [self.brightness.bin(sight.brightness)],
            "pixels": [self.pixels.bin(sight.pixels)],
        }
        cut_off = limit < self.limit and len(sight.scores) == limit
        if threshold <= self.threshold and not cut_off:
            kept = sum(score >= self.threshold for score in sight.scores[: self.limit])
            found["score"] = [self.score.bin(score) for score in sight.scores[:kept]]
            found["class"] = [self.classes.bin(class_id) for class_id in sight.classes[:kept]]
        return found


def of(sights: Iterable[Sight], source: str) -> Profile:
    """The profile of photos that were asked about with the default threshold and limit; at least one."""
    seen = list(sights)
    classes = [class_id for sight in seen for class_id in sight.classes]
    common = [class_id for class_id, count in Counter(classes).most_common() if count >= _RARE * len(classes)]
    ids = tuple(sorted(common))
    named = Classes(ids=ids, counts=(0,) * (len(ids) + 1))
    return Profile(
        photos=len(seen),
        source=source,
        brightness=_histogram(BRIGHTNESS, (sight.brightness for sight in seen)),
        pixels=_histogram(PIXELS, (sight.pixels for sight in seen)),
        score=_histogram(SCORES, (score for sight in seen for score in sight.scores)),
        classes=Classes(ids=ids, counts=_count(len(ids) + 1, (named.bin(class_id) for class_id in classes))),
    )


def _histogram(edges: tuple[float, ...], values: Iterable[float]) -> Histogram:
    bins = len(edges) + 1
    return Histogram(edges=edges, counts=_count(bins, (bisect_right(edges, value) for value in values)))


def _count(bins: int, indices: Iterable[int]) -> Counts:
    counted = Counter(indices)
    return tuple(counted[index] for index in range(bins))
