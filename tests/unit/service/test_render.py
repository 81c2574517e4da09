"""What is drawn on a photo: every box, and tags that can be read."""

import io
import time

import numpy as np
import pytest
from PIL import Image

from lookout import contract
from service.decode import Pixels
from service.render import colour, render
from service.schema import Box, Detection

CAT, CUP = 17, 47


def seen(class_id: int, x_min: float, y_min: float, x_max: float, y_max: float, label: str = "seen") -> Detection:
    box = Box(x_min=x_min, y_min=y_min, x_max=x_max, y_max=y_max)
    return Detection(label=label, class_id=class_id, score=0.9, box=box)


def drawn(*detections: Detection, width: int = 300, height: int = 200) -> Pixels:
    """A grey photo with these detections, best score first, before it is encoded: it is drawn on in place."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    encoded = render(pixels, list(detections))
    assert Image.open(io.BytesIO(encoded)).size == (width, height)
    return pixels


def of(pixels: Pixels, class_id: int) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    """Which pixels have the colour of a class."""
    return np.asarray((pixels == colour(class_id)).all(axis=2))


def test_tags_of_one_place_stand_one_above_the_other_and_the_best_is_at_the_top() -> None:
    pixels = drawn(seen(CAT, 50, 100, 250, 190), seen(CUP, 50, 100, 250, 190))
    margin = 52  # left of the letters
    assert of(pixels, CAT)[97, margin]
    assert of(pixels, CUP)[103, margin]


def test_the_line_of_a_better_box_does_not_cross_a_tag() -> None:
    crossed = seen(CUP, 200, 105, 260, 190)
    alone, together = drawn(crossed), drawn(seen(CAT, 10, 100, 290, 190), crossed)
    rows, columns = np.nonzero(of(alone, CUP)[:105])
    tag = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert rows.min() < 100 <= rows.max()
    assert (together[tag] == alone[tag]).all()


def test_where_there_is_no_room_the_best_is_drawn_last_on_top() -> None:
    pixels = drawn(seen(CAT, 0, 0, 8, 8), seen(CUP, 0, 0, 8, 8), width=8, height=8)
    assert of(pixels, CAT).any()
    assert not of(pixels, CUP).any()


def test_the_tag_of_a_box_at_an_edge_is_whole() -> None:
    inside, at_edge = drawn(seen(CAT, 100, 100, 110, 110)), drawn(seen(CAT, 289, 100, 299, 110))
    assert of(inside, CAT)[:100].sum() == of(at_edge, CAT)[:100].sum() > 0
    tag = np.nonzero(of(at_edge, CAT)[:100])[1]
    assert tag.max() == 299


@pytest.mark.parametrize(("width", "height"), [(1, 1), (300, 3), (3, 300), (20, 10)])
def test_a_photo_smaller_than_a_tag_is_drawn_on_all_the_same(width: int, height: int) -> None:
    pixels = drawn(seen(CAT, 0, 0, width, height, label="refrigerator"), width=width, height=height)
    assert of(pixels, CAT).any()


def test_as_many_as_there_can_be_in_one_place_are_drawn_soon() -> None:
    started = time.process_time()
    drawn(*[seen(CAT, 100, 100, 900, 900)] * contract.MAX_LIMIT, width=1000, height=1000)
    assert time.process_time() - started < 2
