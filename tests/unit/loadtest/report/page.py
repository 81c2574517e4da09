"""Reads an HTML page the way a browser that fetches nothing would: what it refers to, its ids, what is left open."""

import re
from html.parser import HTMLParser

_VOID = {"meta", "br", "link", "img", "hr", "input"}
_VOCABULARIES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
"""Names of XML vocabularies look like addresses, and nothing fetches them."""


class Page(HTMLParser):
    """Collects what could fetch, ids, and elements left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.references: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.figures = 0
        self.scripts = 0
        self.unnamed = 0
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        self._look(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data

    def _look(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.figures += tag == "svg"
        self.unnamed += tag == "svg" and not dict(attrs).get("aria-labelledby")
        self.scripts += tag in ("script", "iframe", "object", "embed", "link")
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
                self.references.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def assert_self_contained(html: str, shown: set[str]) -> Page:
    """The page is whole and fetches nothing; `shown` are the addresses that it names as text."""
    page = Page(html)
    assert page.references, "the test sees no reference at all: it looks in the wrong place"
    assert all(reference.startswith(("#", "data:image/png")) for reference in page.references)
    assert page.scripts == 0
    assert "@import" not in html
    assert set(re.findall(r"https?://[^\s\"'<>)/]+", html)) <= {_host(address) for address in _VOCABULARIES | shown}
    assert page.open == []
    assert page.unnamed == 0
    assert len(page.ids) == len(set(page.ids))
    targets = set(re.findall(r"url\(#([^)]+)\)", html)) | {r[1:] for r in page.references if r.startswith("#")}
    assert targets
    assert targets <= set(page.ids)
    return page


def _host(address: str) -> str:
    return "/".join(address.split("/")[:3])
