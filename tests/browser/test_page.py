"""The page with the real model behind it: photos come in every way, and what was found can be seen and filtered."""

import io
import time
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import Open
from tests.browser.page import Page, roughly

Album = dict[str, Path]


def photo(path: Path) -> tuple[str, str, bytes]:
    return path.name, "image/jpeg", path.read_bytes()


@pytest.mark.parametrize("way", ["pick", "drop", "paste"])
def test_a_photo_given_in_any_way_is_looked_at(open_page: Open, album: Album, way: str) -> None:
    page = open_page()
    if way == "pick":
        page.pick(album["chelsea"])
    else:
        getattr(page, way)(photo(album["chelsea"]))
    page.says("1 object: cat.")
    assert roughly(page.rows()) == ["cat 9x %"]
    assert roughly(page.boxes()) == ["cat 9x %"]
    assert page.find("photo").get_attribute("alt") == "Photo with cat"


def test_names_are_shown_as_they_are(open_page: Open, album: Album) -> None:
    page = open_page()
    name = "<img src=x onerror=document.title='bad'> & \"quoted\".jpg"
    page.drop((name, "image/jpeg", album["chelsea"].read_bytes()), photo(album["coffee"]))
    page.until(lambda: len(page.all("#film .done")) == 2)
    assert page.find("name").text == name
    assert page.all("#film button")[0].accessible_name == f"{name}, 1 object"
    assert page.driver.title == "Lookout"


def test_several_photos_are_kept_in_a_row_and_walked_by_arrow_keys(open_page: Open, album: Album) -> None:
    page = open_page()
    page.pick(album["chelsea"], album["coffee"], album["motorcycle"])
    page.until(lambda: len(page.all("#film .done")) == 3)
    names = [one.accessible_name for one in page.all("#film button")]
    assert names[0] == "chelsea.jpg, 1 object"
    page.says("cat")
    page.all("#film button")[0].click()
    ActionChains(page.driver).send_keys(Keys.ARROW_RIGHT).perform()
    page.says("cup")
    assert page.driver.switch_to.active_element.get_attribute("aria-current") == "true"
    page.screenshot("several-desktop-light")
    ActionChains(page.driver).send_keys(Keys.ARROW_RIGHT).perform()
    page.says("motorcycle")


def test_the_slider_filters_without_asking_again(open_page: Open, album: Album) -> None:
    page = open_page()
    page.pick(album["coffee"])
    page.says("cup")
    before = page.requests()
    page.set_threshold(10)
    many = page.rows()
    page.set_threshold(90)
    assert roughly(page.rows()) == ["cup 9x %"]
    assert len(many) > 2
    page.set_threshold(99)
    page.says("Nothing at this score.")
    assert page.find("threshold").get_attribute("aria-valuetext") == "99 %"
    assert page.requests() == before


def test_labels_are_switched_off_and_on(open_page: Open, album: Album) -> None:
    page = open_page()
    page.pick(album["coffee"])
    page.says("cup")
    switch = next(one for one in page.all("#labels input") if one.get_attribute("value") == "cup")
    switch.click()
    page.says("1 object: dining table.")
    assert roughly(page.boxes()) == ["dining table 7x %"]


def test_pointing_at_a_row_lights_its_box_and_the_other_way_round(open_page: Open, album: Album) -> None:
    page = open_page()
    page.pick(album["coffee"])
    page.says("cup")
    ActionChains(page.driver).move_to_element(page.all("#list button")[0]).perform()
    assert roughly(one.get_attribute("textContent") for one in page.all("#boxes .lit text")) == ["cup 9x %"]
    tag = next(one for one in page.all("#boxes .tag") if "cup" in str(one.find_element("xpath", "..").text))
    ActionChains(page.driver).move_to_element(tag).perform()
    assert ["cup" in one.text for one in page.all("#list .lit")] == [True]


def test_says_where_the_time_went(open_page: Open, album: Album) -> None:
    page = open_page()
    page.pick(album["chelsea"])
    page.until(lambda: page.find("timing").is_displayed())
    stages = {one.text.split("\n")[0]: float(one.text.split()[-2]) for one in page.all("#stages div")}
    assert list(stages) == ["intake", "queue", "decode", "preprocess", "inference", "postprocess", "transfer"]
    assert stages["inference"] > 0
    assert sum(stages.values()) == pytest.approx(float(page.find("total").text.split()[0]), abs=2)


def test_saves_the_photo_with_the_boxes_that_are_shown(open_page: Open, album: Album, downloads: Path) -> None:
    page = open_page()
    page.pick(album["chelsea"])
    page.says("cat")
    page.find("download").click()
    saved = downloads / "chelsea-boxes.jpg"
    page.until(lambda: saved.is_file() and saved.stat().st_size)
    with Image.open(saved) as drawn, Image.open(album["chelsea"]) as plain:
        assert drawn.size == plain.size
        assert drawn.tobytes() != plain.convert("RGB").tobytes()


def test_boxes_lie_on_the_object_whatever_the_size_of_the_window(open_page: Open, album: Album) -> None:
    for phone in (False, True):
        page = open_page(phone=phone)
        page.pick(album["chelsea"])
        page.says("cat")
        frame, box = (page.run(_PLACE, selector) for selector in ("#photo", "#boxes .line"))
        assert box["width"] / frame["width"] == pytest.approx(404.5 / 451, abs=0.02)
        assert box["height"] / frame["height"] == pytest.approx(296.6 / 300, abs=0.02)


_PLACE = (
    "const { width, height } = document.querySelector(arguments[0]).getBoundingClientRect(); return { width, height }"
)


def test_a_photo_taken_sideways_has_its_boxes_upright(open_page: Open, album: Album) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees: the camera was held upright
    turned = io.BytesIO()
    with Image.open(album["chelsea"]) as upright:
        upright.transpose(Image.Transpose.ROTATE_90).save(turned, "JPEG", exif=exif, quality=95)
    page = open_page()
    page.drop(("turned.jpg", "image/jpeg", turned.getvalue()))
    page.says("cat")
    size = page.run("return [arguments[0].naturalWidth, arguments[0].naturalHeight]", page.find("photo"))
    assert page.find("boxes").get_dom_attribute("viewBox") == f"0 0 {size[0]} {size[1]}" == "0 0 451 300"


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_the_api_page_shows_every_operation(open_page: Open, url: str, phone: bool) -> None:
    page = open_page(phone=phone, dark=phone)
    page.driver.get(f"{url}/docs")
    page.until(lambda: len(page.all(".operation")) >= 13)
    assert "/v2/models/detector/infer" in page.find("operations").text
    assert len(page.all("details")) > 40
    page.all("details summary")[0].click()
    page.screenshot("docs-phone-dark" if phone else "docs-desktop-light")
    assert page.fits()


def test_is_quick_to_show(open_page: Open, album: Album) -> None:
    page: Page = open_page()
    started = time.monotonic()
    page.pick(album["chelsea"])
    page.says("cat")
    assert time.monotonic() - started < 5
    assert page.run("return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd") < 3000
