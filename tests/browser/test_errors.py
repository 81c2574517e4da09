"""Whatever goes wrong is told in a sentence, and the page can be used afterwards."""

from pathlib import Path

import pytest

from tests.browser.conftest import Open
from tests.loopback.service import running
from tests.unit.service.test_intake import encoded, png_header

Album = dict[str, Path]
REFUSED = "Failed to load resource"
TOKEN = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"GIF89a", "image/gif", "image/gif cannot be read here: JPEG, PNG and WebP can."),
        (b"", "image/jpeg", "The body is empty."),
        (encoded()[:200], "image/jpeg", "The JPEG data is damaged or incomplete."),
        (encoded(), "image/png", "Declared as image/png, but the data is JPEG"),
        (png_header(9000, 9000), "image/png", "9000 x 9000 is 81,000,000 pixels; at most 40,000,000 are decoded."),
    ],
)
def test_a_photo_that_cannot_be_taken_is_explained(
    open_page: Open, album: Album, content: bytes, kind: str, says: str
) -> None:
    page = open_page(expects=(REFUSED,))
    page.drop(("photo", kind, content))
    page.says(says)
    assert "bad" in str(page.find("status").get_attribute("class"))
    assert page.find("download").get_attribute("disabled")
    page.pick(album["chelsea"])
    page.says("1 object: cat.")


def test_a_bad_photo_among_good_ones_fails_alone(open_page: Open, album: Album) -> None:
    page = open_page(expects=(REFUSED,))
    page.drop(("bad.jpg", "image/jpeg", b"GIF89a"), ("good.jpg", "image/jpeg", album["chelsea"].read_bytes()))
    page.until(lambda: len(page.all("#film .done")) == 1)
    assert [one.accessible_name for one in page.all("#film button")] == [
        "bad.jpg, could not be looked at",
        "good.jpg, 1 object",
    ]
    assert not page.find("photo").is_displayed()
    page.screenshot("error-desktop-light")
    page.all("#film button")[1].click()
    page.says("1 object: cat.")
    page.until(lambda: page.find("photo").is_displayed())


def test_an_answer_that_is_no_json_is_told_by_its_status(open_page: Open, album: Album) -> None:
    page = open_page()
    page.run("window.fetch = async () => new Response('<h1>Bad gateway</h1>', { status: 502 });")
    page.pick(album["chelsea"])
    page.says("The server answered with status 502 and no JSON.")


def test_a_busy_server_is_asked_again(open_page: Open, album: Album) -> None:
    page = open_page()
    page.run(
        """const real = window.fetch; let first = true;
        window.fetch = (...given) => {
          if (!first) return real(...given);
          first = false;
          const headers = { 'Content-Type': 'application/problem+json', 'Retry-After': '1' };
          return Promise.resolve(new Response('{"title": "Over capacity"}', { status: 503, headers }));
        };"""
    )
    page.pick(album["chelsea"])
    page.says("The server is busy; asking again in 1 s")
    page.says("1 object: cat.")


def test_a_server_that_cannot_be_reached_is_told(open_page: Open, album: Album) -> None:
    page = open_page(expects=("ERR_INTERNET_DISCONNECTED",))
    page.driver.set_network_conditions(offline=True, latency=0, throughput=-1)
    try:
        page.pick(album["chelsea"])
        page.says("The server cannot be reached.")
    finally:
        page.driver.delete_network_conditions()
    page.pick(album["chelsea"])
    page.says("1 object: cat.")


def test_asks_for_a_token_where_one_is_needed_and_keeps_it_in_memory_only(
    open_page: Open, album: Album, tmp_path: Path
) -> None:
    (tmp_path / "tokens").write_text(TOKEN)
    with running(tokens_file=str(tmp_path / "tokens")) as (url, _):
        page = open_page(at=url, expects=("401 (Unauthorized)",))
        page.pick(album["chelsea"], album["coffee"])
        page.says("This server asks for a token.")
        assert page.driver.switch_to.active_element == page.find("token")
        page.screenshot("token-desktop-light")
        page.find("token").send_keys("wrong-but-long-enough")
        page.find("access").submit()
        page.says("The token is not known.")
        page.find("token").send_keys(TOKEN)
        page.find("access").submit()
        page.says("1 object: cat.")
        page.until(lambda: len(page.all("#film .done")) == 2)
        kept = page.run("return document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
        assert kept == "{}{}"
        assert TOKEN not in page.driver.page_source
        assert page.find("token").get_property("value") == ""
