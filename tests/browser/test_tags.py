"""Tags of boxes can be read: they do not cover each other where there is room, and grow with the reader's letters, for
which the page has room."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from service import tags
from service.schema import Box, Detection, DetectResponse, ImageSize, Model, Timing
from tests.browser.conftest import Open
from tests.browser.page import Page

Album = dict[str, Path]
SIZE = ImageSize(width=600, height=400)  # of the photo "coffee"
_ANSWER = """
const [answer, ask] = [arguments[0], window.fetch];
window.fetch = async (path, given) => path.startsWith('/v1/detect') ? new Response(answer, {
  headers: { 'Content-Type': 'application/json' },
}) : ask(path, given);
"""
_PLACES = """
return [...document.querySelectorAll(arguments[0])].map((one) => {
  const { left, top, right, bottom } = one.getBoundingClientRect();
  return [left, top, right, bottom];
});
"""


class Place(NamedTuple):
    """In pixels of the window."""

    left: float
    top: float
    right: float
    bottom: float


def found(*boxes: tuple[float, float, float, float], labels: Sequence[str] = ("dining table",)) -> str:
    """The service's answer with an object at each of the boxes (x_min, y_min, x_max, y_max), best score first, and each
    of the labels in turn."""
    sides = ("x_min", "y_min", "x_max", "y_max")
    detections = [
        Detection(
            label=labels[i % len(labels)],
            class_id=67,
            score=0.9 - i / 1000,
            box=Box(**dict(zip(sides, box, strict=True))),
        )
        for i, box in enumerate(boxes)
    ]
    none = Timing(queue=0, decode=0, preprocess=0, inference=0, postprocess=0, total=0)
    model = Model(name="made up", version="1", runtime="none")
    return DetectResponse(model=model, image=SIZE, detections=detections, timing_ms=none).model_dump_json()


def shown(page: Page, album: Album, answer: str, objects: int) -> list[Place]:
    """Tags of the boxes of this answer, best score last."""
    page.run(_ANSWER, answer)
    page.pick(album["coffee"])
    page.until(lambda: len(page.all("#boxes .tag")) == objects)
    return places(page, "#boxes .tag")


def places(page: Page, selector: str) -> list[Place]:
    corners: Any = page.run(_PLACES, selector)
    return [Place(*one) for one in corners]


def cover(one: Place, other: Place) -> bool:
    """Whether they share more than an edge."""
    wide = min(one.right, other.right) - max(one.left, other.left)
    tall = min(one.bottom, other.bottom) - max(one.top, other.top)
    return wide > 0.5 and tall > 0.5


@pytest.mark.parametrize(
    "boxes",
    [
        [(100, 120, 400, 390), (110, 125, 410, 390)],
        [(100, 2, 400, 390), (110, 4, 410, 390), (90, 6, 380, 380)],
        [(100, 120, 140, 140), (110, 125, 150, 145)],
        [(400, 120, 600, 390), (500, 115, 600, 390)],
    ],
    ids=["beside each other", "three at the upper edge", "small ones", "at the right edge"],
)
def test_tags_of_close_boxes_do_not_cover_each_other_on_a_phone(
    open_page: Open, album: Album, boxes: list[tuple[float, float, float, float]]
) -> None:
    page = open_page(phone=True)
    tags = shown(page, album, found(*boxes), len(boxes))
    assert not [(one, other) for i, one in enumerate(tags) for other in tags[:i] if cover(one, other)]
    (photo,) = places(page, "#photo")
    for tag in tags:
        assert tag.left >= photo.left - 0.5
        assert tag.right <= photo.right + 0.5
        assert tag.top >= photo.top - 0.5
        assert tag.bottom <= photo.bottom + 0.5


def test_a_tag_touches_its_box_and_both_answer_to_the_pointer(open_page: Open, album: Album) -> None:
    page = open_page()
    tags = shown(page, album, found((100, 120, 400, 390), (110, 125, 410, 390)), 2)
    edges = places(page, "#boxes .line")
    for place, edge in zip(tags, edges, strict=True):
        assert edge.top - 1 <= place.bottom <= edge.bottom + (place.bottom - place.top) + 1
        assert edge.left - 1 <= place.left <= edge.right + 1
    for tag, box in zip(page.all("#boxes .tag"), page.all("#boxes .line"), strict=True):
        ActionChains(page.driver).move_to_element(tag).perform()
        assert page.all("#boxes .lit .tag") == [tag]
        assert page.all("#boxes .lit .line") == [box]


def test_where_there_is_no_room_every_tag_is_shown_all_the_same(open_page: Open, album: Album) -> None:
    page = open_page(phone=True)
    crowd = [(100.0 + i, 100.0 + i, 130.0 + i, 130.0 + i) for i in range(60)]
    tags = shown(page, album, found(*crowd), len(crowd))
    assert all(tag.right > tag.left and tag.bottom > tag.top for tag in tags)


_PLACED = """
const [photos] = arguments;
return import('/web/tags.js').then(({ place }) => photos.map(([size, tags]) => {
  const taken = [];
  for (const [box, width, height] of tags) place(box, { width, height }, size, taken);
  return taken.map(({ x, y, width, height }) => [x, y, width, height]);
}));
"""


def test_the_server_places_tags_as_the_page_does(open_page: Open) -> None:
    chance = random.Random(7)  # noqa: S311  # no secret: the same photos each time
    photos = [_photo(chance, objects) for objects in (1, 2, 5, 20, 100) * 8]
    shown = open_page().run(
        _PLACED,
        [(size.model_dump(), [(box.model_dump(), *tag) for box, tag in objects]) for size, objects in photos],
    )
    for (size, objects), places in zip(photos, shown, strict=True):
        taken: list[tags.Place] = []
        for box, (width, height) in objects:
            taken.append(tags.place(box, width, height, size, taken))
        assert taken == [tags.Place(*one) for one in places]


def _photo(chance: random.Random, objects: int) -> tuple[ImageSize, list[tuple[Box, tuple[float, float]]]]:
    """Boxes on a photo with the sizes of their tags, some of which are larger than some photos."""
    size = ImageSize(width=chance.randint(20, 500), height=chance.randint(20, 500))
    boxes = []
    for _ in range(objects):
        left, right = sorted(chance.uniform(0, size.width) for _ in range(2))
        top, bottom = sorted(chance.uniform(0, size.height) for _ in range(2))
        box = Box(x_min=left, y_min=top, x_max=right, y_max=bottom)
        boxes.append((box, (chance.uniform(10, 100), chance.uniform(8, 40))))
    return size, boxes


_LETTERS = """
const sizes = {};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const [element, words] = [texts.currentNode.parentElement, texts.currentNode.data.trim()];
  if (!words || !element.checkVisibility() || element.closest('noscript, #boxes')) continue;
  sizes[words.replace(/[0-9.]+/g, 'n')] = parseFloat(getComputedStyle(element).fontSize);
}
return sizes;
"""
_OUTSIDE = """
return [...document.querySelectorAll('header *, aside *')].filter((one) =>
  one.checkVisibility() && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1,
).map((one) => one.outerHTML);
"""


def test_everything_grows_with_the_letters_that_the_reader_chose_and_nothing_runs_out_of_the_page(
    open_page: Open, album: Album
) -> None:
    sizes, tall = [], []
    for text_px in (16, 32):
        page = open_page(phone=True, dark=True, text_px=text_px)
        tags = shown(page, album, found((100, 120, 400, 390), (110, 125, 410, 390)), 2)
        page.screenshot(f"letters-{text_px}-phone-dark")
        sizes.append(page.run(_LETTERS))
        tall.append(tags[0].bottom - tags[0].top)
        assert page.fits()
        assert page.run(_OUTSIDE) == []
    small, large = sizes
    assert len(small) > 10
    assert large == pytest.approx({words: 2 * size for words, size in small.items()})
    assert tall[1] == pytest.approx(2 * tall[0], rel=0.01)


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_nobody_scrolls_sideways_in_a_narrow_window_with_large_letters(
    open_page: Open, album: Album, url: str, phone: bool
) -> None:
    page = open_page(phone=phone, width_px=320, text_px=32)
    assert page.fits(), "without a photo"
    page.run("arguments[0].hidden = false", page.find("access"))
    assert page.fits(), "asked for a token"
    shown(page, album, found((100, 120, 400, 390), (10, 125, 410, 390), labels=("refrigerator", "hot dog")), 2)
    page.all("#list button")[0].click()
    page.until(page.find("why").is_displayed)
    page.screenshot(f"narrow-{'phone' if phone else 'desktop'}-light")
    assert page.fits(), "with what was found"
    page.all("[data-do=camera]")[1].click()
    page.until(page.find("camera").is_displayed)
    assert page.fits(), "with the camera"
    page.driver.get(f"{url}/docs")
    page.until(lambda: page.all(".operation"))
    assert page.fits(), "of the API"
