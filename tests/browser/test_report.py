"""Reports in Chromium: they ask nobody for anything, complain of nothing, and fit a phone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from loadtest.comparison.compare import compare
from loadtest.gate.slo import parse_slo
from loadtest.report import capacity, comparison, run
from loadtest.result import Observations, PodSecond, StageSecond
from tests.browser.conftest import drain
from tests.unit.loadtest import build
from tests.unit.loadtest.capacity import build as capacity_build


def _run() -> str:
    seen = Observations(
        stages=tuple(
            StageSecond(at_s=i, stage_ms={"decode": 3.0}, queue_wait_ms=0.5, in_flight=2.0) for i in range(10)
        ),
        stages_from="every pod, asked one by one",
        pods=tuple(PodSecond(at_s=i, wanted=2, ready=2, restarts=0) for i in range(10)),
    )
    errors = [f"status 503: {'very ' * 30}long" if i % 9 == 0 else None for i in range(1200)]
    slo = parse_slo("p99<=100ms,errors<=0.1%,goodput>=98%")
    return run.render(build.load_result([20 + i % 7 for i in range(1200)], errors, slo=slo, observations=seen))


def _comparison() -> str:
    first, second = (build.load_result([start + i % 7 for i in range(1200)]) for start in (20, 25))
    return comparison.render(first, second, compare(first, second, ("a/long/path/of/a/first.json", "second.json")))


def _capacity() -> str:
    return capacity.render(capacity_build.record())


@pytest.mark.parametrize("make", [_run, _comparison, _capacity], ids=["run", "comparison", "capacity"])
@pytest.mark.parametrize(("width", "height", "dark"), [(390, 844, False), (1280, 860, True)], ids=["phone", "desktop"])
def test_a_report_asks_nobody_and_fits_the_screen(
    driver: WebDriver, tmp_path: Path, make: Callable[[], str], width: int, height: int, dark: bool
) -> None:
    path = tmp_path / "report.html"
    path.write_text(make())
    drain(driver)
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    driver.get(path.as_uri())
    assert _ask(driver, "return document.documentElement.scrollWidth") <= width
    seen = "return [...document.querySelectorAll('figure svg')].map(svg => svg.getBoundingClientRect().height)"
    heights = _ask(driver, seen)
    assert len(heights) >= 3
    assert min(heights) > 60
    paper = _ask(driver, "return getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(22, 23, 27)" if dark else "rgb(255, 255, 254)")
    console, addresses = drain(driver)
    assert console == []
    assert [one for one in addresses if not one.startswith(("file://", "data:"))] == []


def _ask(driver: WebDriver, script: str) -> Any:
    return driver.execute_script(script)  # type: ignore[no-untyped-call]  # selenium's own
