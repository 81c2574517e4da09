"""The camera is on only while its picture is shown."""

from functools import partial
from pathlib import Path

from tests.browser.conftest import Open
from tests.browser.test_page import photo

Album = dict[str, Path]


def test_a_photo_from_the_camera_is_looked_at(open_page: Open) -> None:
    page = open_page()
    page.all("[data-do=camera]")[0].click()
    page.until(lambda: page.run("return document.getElementById('video').videoWidth") > 0)
    assert page.driver.switch_to.active_element == page.find("shoot")
    page.screenshot("camera")
    page.find("shoot").click()
    page.until(lambda: page.find("timing").is_displayed())
    assert not page.find("camera").is_displayed()
    assert page.find("name").text == "camera.jpg"
    assert page.run("return document.getElementById('video').srcObject") is None


def test_the_camera_is_let_go_when_it_is_closed_or_another_photo_comes(open_page: Open, album: Album) -> None:
    page = open_page()
    for way in ("button", "another photo"):
        next(one for one in page.all("[data-do=camera]") if one.is_displayed()).click()
        page.until(lambda: page.run("return document.getElementById('video').videoWidth") > 0)
        if way == "button":
            page.find("leave").click()
        else:
            page.drop(photo(album["chelsea"]))
        page.until(lambda: not page.find("camera").is_displayed())
        assert page.run("return document.getElementById('video').srcObject") is None
    page.says("1 object: cat.")


def test_a_camera_that_is_given_too_late_is_let_go(open_page: Open, album: Album) -> None:
    page = open_page()
    page.run(
        """const devices = navigator.mediaDevices, real = devices.getUserMedia.bind(devices);
        window.given = [];
        devices.getUserMedia = async (wanted) => {
          const stream = await real(wanted);
          window.given.push(stream);
          await new Promise((done) => { window.hand = done; });
          return stream;
        };"""
    )
    page.all("[data-do=camera]")[0].click()
    page.until(lambda: page.run("return window.given.length") == 1)
    page.drop(photo(album["chelsea"]))
    page.run("window.hand()")
    page.until(lambda: page.run("return window.given[0].getTracks()[0].readyState") == "ended")
    assert not page.find("camera").is_displayed()
    page.says("1 object: cat.")
    for place in (1, 2):  # opened, and again while it is open
        page.all("[data-do=camera]")[1].click()
        page.until(partial(page.run, f"return window.given.length === {place + 1}"))
        page.run("window.hand()")
        page.until(lambda: page.find("camera").is_displayed())
    page.until(lambda: page.run("return window.given[1].getTracks()[0].readyState") == "ended")
    page.find("leave").click()
    page.until(lambda: page.run("return window.given[2].getTracks()[0].readyState") == "ended")
