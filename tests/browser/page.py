"""The page as a person uses it: photos given in every way, and what it then shows."""

import base64
import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from PIL import Image
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from lookout.paths import PROJECT_ROOT

SCREENSHOTS: Final = PROJECT_ROOT / "reports" / "screenshots"
_WAIT_S: Final = 10
_FILES: Final = """
const transfer = new DataTransfer();
for (const [name, type, data] of arguments[0]) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  transfer.items.add(new File([bytes], name, { type }));
}
"""
_DROP: Final = (
    "document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true, bubbles: true }));"
)
_PASTE: Final = "document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }));"

File = tuple[str, str, bytes]
"""Name, media type, content."""


class Page:
    """The page in a browser."""

    def __init__(self, driver: WebDriver, url: str) -> None:
        self.driver, self.url = driver, url
        driver.get(url)
        self.until(lambda: self.find("model").text)

    def find(self, identity: str) -> WebElement:
        """The element with an id."""
        return self.driver.find_element(By.ID, identity)

    def all(self, selector: str) -> list[WebElement]:
        """Elements by CSS selector."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)  # type: ignore[no-untyped-call]  # selenium's own

    def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until something holds; TimeoutException after ten seconds."""
        return WebDriverWait(self.driver, _WAIT_S, poll_frequency=0.05).until(lambda _: holds())

    def says(self, text: str) -> None:
        """Wait until the status says something."""
        self.until(lambda: text in self.find("status").text)

    def pick(self, *files: Path) -> None:
        """Choose files, as in the browser's own dialog."""
        self.find("file").send_keys("\n".join(map(str, files)))

    def drop(self, *files: File) -> None:
        """Drop files on the page."""
        self.run(_FILES + _DROP, _encoded(files))

    def paste(self, *files: File) -> None:
        """Paste files."""
        self.run(_FILES + _PASTE, _encoded(files))

    def rows(self) -> list[str]:
        """The objects of the list, as `cat 92 %`."""
        return [" ".join(row.text.split()) for row in self.all("#list button")]

    def boxes(self) -> list[str]:
        """The labels drawn on the photo, best score last."""
        return [str(text.get_attribute("textContent")) for text in self.all("#boxes text")]

    def set_threshold(self, percent: int) -> None:
        """Move the slider as a hand does: with an event at each stop."""
        self.run(
            "const [slider, value] = arguments; slider.value = value; slider.dispatchEvent(new Event('input'));",
            self.find("threshold"),
            percent,
        )

    def fits(self) -> bool:
        """Whether the page is no wider than its window, so that nobody has to scroll sideways.

        It is not held against `innerWidth`, which on a phone grows with the page.
        """
        return bool(self.run("const page = document.documentElement; return page.scrollWidth <= page.clientWidth"))

    def requests(self) -> list[str]:
        """Addresses of everything the page has asked for."""
        return list(self.run("return performance.getEntriesByType('resource').map((one) => one.name)"))

    def screenshot(self, name: str) -> Image.Image:
        """Keep a picture of the window in reports/screenshots/, and return it."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        data = self.driver.get_screenshot_as_png()
        (SCREENSHOTS / f"{name}.png").write_bytes(data)
        return Image.open(io.BytesIO(data))


def _encoded(files: tuple[File, ...]) -> list[tuple[str, str, str]]:
    return [(name, kind, base64.b64encode(content).decode()) for name, kind, content in files]


def roughly(shown: Iterable[str | None]) -> list[str]:
    """What is shown, its scores to ten percent: which runtime serves moves them by one."""
    return [re.sub(r"\d %$", "x %", text or "") for text in shown]
