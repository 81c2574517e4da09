"""The page asks nothing of third parties and works under a strict content security policy."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.pages import WEB

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


def test_gives_the_camera_to_the_page_itself_and_nothing_else_to_anybody(client: TestClient) -> None:
    assert client.get("/").headers["permissions-policy"] == "camera=(self), microphone=(), geolocation=()"
