"""Where the tags of boxes stand on a photo: the rule of `web/tags.js`, which a test holds to it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from service.schema import Box, ImageSize

ROWS: Final = 12
"""Tried inside a box."""


class Place(NamedTuple):
    """Left upper corner and size of a tag, in pixels of the photo."""

    x: float
    y: float
    width: float
    height: float


def place(box: Box, width: float, height: float, photo: ImageSize, taken: Sequence[Place]) -> Place:
    """A place for a tag of `width` by `height` pixels that is inside the photo and clear of the places that are taken.

    Tried are, in this order: above the box, inside it row by row from its upper edge, and under it. Where nothing is
    clear the tag stands as if it were alone; only one that is larger than the photo reaches out of it, to the right or
    to the bottom.
    """
    x = max(0.0, min(box.x_min, photo.width - width))
    rows = [box.y_min + row * height for row in range(ROWS)]
    inside = [y for row, y in enumerate(rows) if row == 0 or y + height <= box.y_max]
    tried = [box.y_min - height, *inside, box.y_max]
    places = [Place(x, y, width, height) for y in tried if y >= 0 and y + height <= photo.height]
    alone = places[0] if places else Place(x, max(0.0, photo.height - height), width, height)
    return next((one for one in places if not any(overlap(one, other) for other in taken)), alone)


def overlap(one: Place, other: Place) -> bool:
    """Whether two places share more than an edge."""
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )
