"""Tags do not cover each other where there is room, and stay inside the photo."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.schema import Box, ImageSize
from service.tags import ROWS, Place, overlap, place

PHOTO = ImageSize(width=300, height=200)
WIDTH, HEIGHT = 60.0, 12.0
BOX = Box(x_min=50, y_min=40, x_max=150, y_max=100)
ABOVE, UPPER_ROW, SECOND_ROW = (Place(50, y, WIDTH, HEIGHT) for y in (28, 40, 52))
UNDER = Place(50, 100, WIDTH, HEIGHT)
ROWS_OF_BOX = [Place(50, 40 + row * HEIGHT, WIDTH, HEIGHT) for row in range(5)]


@st.composite
def boxes(draw: st.DrawFn, least_height: float = 0.0) -> Box:
    """Anywhere on the photo, a pixel wide and more."""
    x_min, y_min = draw(st.floats(0, PHOTO.width - 1)), draw(st.floats(0, PHOTO.height - least_height))
    x_max = draw(st.floats(x_min, PHOTO.width))
    return Box(x_min=x_min, y_min=y_min, x_max=x_max, y_max=draw(st.floats(y_min + least_height, PHOTO.height)))


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([], ABOVE),
        ([ABOVE], UPPER_ROW),
        ([ABOVE, UPPER_ROW], SECOND_ROW),
        ([ABOVE, *ROWS_OF_BOX], UNDER),
        ([ABOVE, *ROWS_OF_BOX, UNDER], ABOVE),
        ([Place(0, 20, 60, 12)], UPPER_ROW),
        ([Place(0, 28, 50, 12), Place(110, 28, 50, 12), Place(50, 16, 60, 12)], ABOVE),
    ],
    ids=["alone", "above taken", "upper row taken", "box full", "no room", "partly covered", "touched on three sides"],
)
def test_tries_above_the_box_then_its_rows_then_under_it(taken: list[Place], expected: Place) -> None:
    assert place(BOX, WIDTH, HEIGHT, PHOTO, taken) == expected


def test_a_box_at_the_upper_edge_has_its_tag_inside() -> None:
    assert place(Box(x_min=50, y_min=5, x_max=150, y_max=100), WIDTH, HEIGHT, PHOTO, []).y == 5


def test_a_box_at_the_right_edge_has_its_tag_moved_to_the_left() -> None:
    assert place(Box(x_min=280, y_min=40, x_max=300, y_max=100), WIDTH, HEIGHT, PHOTO, []).x == 300 - WIDTH


def test_what_is_taken_is_left_as_it_is() -> None:
    taken = [ABOVE]
    place(BOX, WIDTH, HEIGHT, PHOTO, taken)
    assert taken == [ABOVE]


@pytest.mark.parametrize(
    ("width", "height"), [(400, 12), (60, 250), (400, 250)], ids=["wider", "taller", "larger in both"]
)
def test_a_tag_larger_than_the_photo_starts_at_its_edge(width: float, height: float) -> None:
    found = place(BOX, width, height, PHOTO, [])
    assert found.x == (0 if width > PHOTO.width else BOX.x_min)
    assert found.y == (0 if height > PHOTO.height else BOX.y_min - height)


@given(st.lists(boxes(), max_size=100), st.floats(1, PHOTO.width), st.floats(1, PHOTO.height))
def test_every_tag_that_fits_in_the_photo_is_inside_it(some: list[Box], width: float, height: float) -> None:
    taken: list[Place] = []
    for box in some:
        found = place(box, width, height, PHOTO, taken)
        taken.append(found)
        assert found.x >= 0
        assert found.y >= 0
        assert found.x + width <= PHOTO.width + 1e-9
        assert found.y + height <= PHOTO.height + 1e-9


# A tag reaches into two rows of another box at most, so a box with twelve rows has one that five others left.
@given(st.lists(boxes(least_height=ROWS * HEIGHT), max_size=ROWS // 2))
def test_no_tag_covers_another_where_boxes_have_room(some: list[Box]) -> None:
    taken: list[Place] = []
    for box in some:
        found = place(box, WIDTH, HEIGHT, PHOTO, taken)
        assert not any(overlap(found, other) for other in taken)
        taken.append(found)
