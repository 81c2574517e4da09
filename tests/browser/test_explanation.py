"""Why an object was found: the heat map over the photo."""

from pathlib import Path

from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import Open
from tests.browser.page import roughly

Album = dict[str, Path]


def test_shows_which_parts_speak_for_an_object(open_page: Open, album: Album) -> None:
    page = open_page()
    page.pick(album["coffee"])
    page.says("cup")
    assert not page.find("why").is_displayed()
    page.all("#list button")[0].click()
    assert page.find("why").text == "Why cup?"
    page.find("why").click()
    page.says("Warm parts speak for cup: without the warmest its score falls by")
    opacities = [float(str(one.get_attribute("fill-opacity"))) for one in page.all("#boxes .heat rect")]
    assert len(opacities) == 64
    assert 0.1 < max(opacities) <= 0.75
    assert min(opacities) < max(opacities) / 2
    assert roughly(page.boxes()) == ["cup 9x %"]
    page.screenshot("explained-desktop-light")
    page.find("why").click()
    assert page.all("#boxes .heat") == []


def test_an_explanation_that_is_refused_is_told_and_keeps_the_keyboard_in_its_place(
    open_page: Open, album: Album
) -> None:
    page = open_page()
    page.pick(album["chelsea"])
    page.says("1 object: cat.")
    page.run(
        """window.fetch = async () => {
          await new Promise((done) => setTimeout(done, 200));
          const headers = { 'Content-Type': 'application/problem+json', 'Retry-After': '1' };
          return new Response('{"title": "Busy", "detail": "Too many are waiting."}', { status: 503, headers });
        };"""
    )
    page.all("#list button")[0].click()
    page.find("why").send_keys(Keys.ENTER)
    page.says("Too many are waiting.")
    assert page.driver.switch_to.active_element == page.find("why")
    assert page.find("why").is_enabled()
