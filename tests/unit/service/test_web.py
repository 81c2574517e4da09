"""The page asks nothing of third parties and works under a strict content security policy."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.app import WEB

FILES = sorted(path for path in WEB.iterdir() if path.is_file())


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_serves_pages_whose_every_asset_is_there(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.headers["content-type"].startswith("text/html")
    assets = re.findall(r'(?:src|href)="(/[^"]*)"', page.text)
    assert any(asset.endswith(".js") for asset in assets)
    for asset in assets:
        assert client.get(asset).status_code == 200, asset


def test_allows_scripts_and_styles_of_its_own_only(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_names_no_other_site(file: Path) -> None:
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", file.read_text()))
    assert addresses <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("file", [file for file in FILES if file.suffix == ".html"], ids=lambda file: file.name)
def test_has_nothing_inline_that_the_policy_would_block(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)


def test_every_id_the_script_looks_for_is_on_the_page() -> None:
    script = (WEB / "app.js").read_text()
    wanted = re.findall(r'"([a-z-]+)"', script[script.index("= [") : script.index("].map(find)")])
    page = (WEB / "index.html").read_text()
    assert len(wanted) > 8
    for name in wanted:
        assert f'id="{name}"' in page, name


@pytest.fixture(scope="module")
def page() -> dict[str, list[str]]:
    """What the page said and drew: three photos, one answered by a proxy, one refused, one seen and saved."""
    command = ["node", str(Path(__file__).parent / "page.mjs"), str(WEB / "app.js")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, list[str]] = json.loads(done.stdout)
    return said


def test_an_answer_that_is_no_json_is_told_by_its_status(page: dict[str, list[str]]) -> None:
    assert "The server answered with status 502 and no JSON." in page["said"]
    assert "Too many pixels." in page["said"]


def test_saves_only_what_is_shown(page: dict[str, list[str]]) -> None:
    assert page["said"][-1] == "1 object found."
    assert page["drawn"] == ["cat 90 %"]
