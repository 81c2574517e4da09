"""A real service, and headless Chromium that must not complain, be refused anything, or ask anybody else."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver

from service.model.photos import sample_photos
from tests.browser.page import Page
from tests.loopback.service import running

Open = Callable[..., Page]
_DESKTOP, _PHONE = (1280, 860), (390, 844)
_TEXT_PX = 16


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    with running() as (url, _):
        yield url


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def driver(downloads: Path) -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    for argument in (
        "--headless=new",
        "--no-sandbox",  # Chromium's own sandbox refuses root, which `make test` runs as
        "--disable-dev-shm-usage",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.binary_location = "/usr/bin/chromium"
    browser = webdriver.Chrome(options, Service("/usr/bin/chromedriver"))
    yield browser
    browser.quit()


@pytest.fixture
def open_page(driver: WebDriver, url: str) -> Iterator[Open]:
    """Open the page: `phone`, `dark`, in a window of another width (`width_px`), with letters of `text_px`, at another
    `at`; `expects` are console errors that the test provokes."""
    expected: list[str] = []
    asked: list[str] = []
    drain(driver)

    def open_it(
        phone: bool = False,
        dark: bool = False,
        width_px: int | None = None,
        text_px: int = _TEXT_PX,
        at: str = url,
        expects: tuple[str, ...] = (),
    ) -> Page:
        expected.extend(expects)
        asked.append(at)
        width, height = _PHONE if phone else _DESKTOP
        metrics = {
            "width": width_px or width,
            "height": height,
            "deviceScaleFactor": 2 if phone else 1,
            "mobile": phone,
        }
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        driver.execute_cdp_cmd("Page.setFontSizes", {"fontSizes": {"standard": text_px}})
        return Page(driver, at)

    yield open_it
    driver.execute_cdp_cmd("Page.setFontSizes", {"fontSizes": {"standard": _TEXT_PX}})  # the browser is for all tests
    console, addresses = drain(driver)
    unexpected = [line for line in console if not any(one in line for one in expected)]
    assert unexpected == [], "the console must stay empty: no errors, no violations of the policy"
    own = (*asked, *(f"blob:{one}" for one in asked), "data:")
    assert [one for one in addresses if not one.startswith(own)] == [], "the page asked somebody else"


def drain(driver: WebDriver) -> tuple[list[str], list[str]]:
    """Warnings and errors of the console, and addresses of requests, since the last call."""
    lines: Any = driver.get_log("browser")  # type: ignore[no-untyped-call]  # selenium's own
    traced: Any = driver.get_log("performance")  # type: ignore[no-untyped-call]  # as above
    console = [one["message"] for one in lines if one["level"] in ("SEVERE", "WARNING")]
    events = [json.loads(one["message"])["message"] for one in traced]
    sent = [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]
    return console, sent


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The bundled photos as files, by name."""
    folder = tmp_path_factory.mktemp("album")
    for name, data in sample_photos().items():
        (folder / f"{name}.jpg").write_bytes(data)
    return {path.stem: path for path in sorted(folder.iterdir())}
