"""Everybody can use the page: by keyboard alone, with a screen reader, on a phone, in the dark."""

from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import Open
from tests.browser.page import Page, roughly

Album = dict[str, Path]

# WCAG 2.2, 1.4.3: contrast of every text that is shown against the first background behind it that is not see-through.
_CONTRAST = """
const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const parts = (colour) => {
  pen.clearRect(0, 0, 1, 1);
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data;
};
const light = (colour) => {
  const [red, green, blue] = [...parts(colour)].map((part) => part / 255).map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const behind = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (parts(colour)[3] > 250) return colour;
  }
  return getComputedStyle(document.body).backgroundColor;
};
const found = [];
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || !element.checkVisibility() || element.closest(
    'svg, :disabled, noscript, .visually-hidden, .skip')) continue;
  const [one, other] = [light(getComputedStyle(element).color), light(behind(element))];
  const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (ratio < 4.5) found.push(`${texts.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
}
return found;
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_looks_right_and_can_be_read(open_page: Open, album: Album, phone: bool, dark: bool) -> None:
    page = open_page(phone=phone, dark=dark)
    variant = f"{'phone' if phone else 'desktop'}-{'dark' if dark else 'light'}"
    empty = page.screenshot(f"empty-{variant}").convert("L")
    assert (empty.resize((1, 1)).getpixel((0, 0)) < 80) == dark  # type: ignore[operator]  # one channel: a number
    assert page.run(_CONTRAST) == []
    page.pick(album["coffee"])
    page.says("cup")
    page.until(lambda: page.find("timing").is_displayed())
    page.screenshot(f"found-{variant}")
    assert page.run(_CONTRAST) == []
    assert page.fits()
    if phone:
        assert all(one.rect["height"] >= 40 for one in page.all("aside .button") if one.is_displayed())
        photo, result = page.find("photo").rect, page.find("result").rect
        assert photo["y"] + photo["height"] <= result["y"]


def test_is_used_by_keyboard_alone(open_page: Open, album: Album) -> None:
    page = open_page()
    order = [tab(page) for _ in range(6)]
    assert order == [
        "Skip to the result",
        "Lookout",
        "API",
        "Choose photos",
        "Use the camera",
        "Least score",
    ]
    page.pick(album["coffee"])
    page.says("cup")
    page.find("threshold").send_keys(Keys.ARROW_LEFT)
    assert page.find("threshold-value").text == "49 %"
    assert tab(page) == "cup"
    ActionChains(page.driver).send_keys(Keys.SPACE).perform()
    page.says("1 object: dining table.")
    assert page.driver.switch_to.active_element.get_attribute("value") == "cup"
    ActionChains(page.driver).send_keys(Keys.SPACE, Keys.TAB, Keys.TAB, Keys.ENTER).perform()
    row = page.driver.switch_to.active_element
    assert (row.get_attribute("aria-pressed"), row.text.split("\n")[0]) == ("true", "cup")
    assert roughly(page.boxes()) == ["cup 9x %"]


def tab(page: Page) -> str:
    ActionChains(page.driver).send_keys(Keys.TAB).perform()
    return str(page.driver.switch_to.active_element.accessible_name)


def test_every_focus_can_be_seen(open_page: Open, album: Album) -> None:
    page = open_page()
    page.pick(album["coffee"])
    page.says("cup")
    page.find("threshold").send_keys(Keys.ARROW_LEFT)
    seen = 0
    while (focused := page.driver.switch_to.active_element).tag_name != "body":
        assert focused.value_of_css_property("outline-style") != "none", focused.accessible_name
        seen += 1
        tab(page)
    assert seen == 8  # slider, two labels, two objects, three buttons


def test_a_screen_reader_hears_names_roles_and_news(open_page: Open, album: Album) -> None:
    page = open_page()
    status = page.find("status")
    assert (status.aria_role, status.get_attribute("aria-live")) == ("status", "polite")
    page.pick(album["coffee"], album["chelsea"])
    page.until(lambda: len(page.all("#film .done")) == 2)
    for one in page.all("button, input:not([tabindex='-1']), a, video"):
        if one.is_displayed() and one.get_attribute("aria-hidden") != "true":
            assert one.accessible_name, one.get_attribute("outerHTML")
    assert [one.accessible_name for one in page.all("main > section, main > aside")] == ["Photos", "Result"]
    assert page.find("photo").accessible_name == "Photo with cup, dining table"
    assert page.run("return [...document.querySelectorAll('h1')].map((one) => one.textContent)") == [
        "Find objects in photos"
    ]
    assert page.run("return document.documentElement.lang") == "en"
    identities = page.run("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(set(identities)) == len(identities)


def test_nothing_moves_for_who_asked_for_that(open_page: Open) -> None:
    page = open_page()
    calm = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": calm})
    assert page.run("return getComputedStyle(document.querySelector('.box, .frame img')).transitionDuration") == "0s"
