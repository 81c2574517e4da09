"""The report is one well-formed file that fetches nothing and says what it is."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from loadtest.report import render, write_report
from tests.unit.loadtest import build

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Collects what could fetch, ids, and elements left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.figures = 0
        self.scripts = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self._look(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def _look(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.figures += tag == "svg"
        self.scripts += tag == "script"
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
                self.references.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def _many(count: int = 1200) -> list[float]:
    return [20 + (i * 37 % 101) / 10 for i in range(count)]


@pytest.fixture(scope="module")
def clean() -> str:
    return render(build.load_result(_many()))


@pytest.fixture(scope="module")
def failed() -> str:
    kinds = ["status 503: over <capacity> & $costs$" if i % 10 == 0 else None for i in range(200)]
    return render(build.load_result(_many(200), kinds))


@pytest.mark.parametrize("page", ["clean", "failed"])
def test_is_self_contained(page: str, request: pytest.FixtureRequest) -> None:
    html = request.getfixturevalue(page)
    parsed = Page(html)
    assert parsed.references, "the test sees no reference at all: it looks in the wrong place"
    assert all(reference.startswith(("#", "data:")) for reference in parsed.references)
    assert parsed.scripts == 0
    assert "@import" not in html
    # What is left are names of XML vocabularies, which nothing fetches, and the address that was loaded.
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://127.0.0.1:8080"}


@pytest.mark.parametrize("page", ["clean", "failed"])
def test_is_well_formed_with_each_id_once_and_every_local_reference_resolved(
    page: str, request: pytest.FixtureRequest
) -> None:
    html = request.getfixturevalue(page)
    parsed = Page(html)
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    targets = set(re.findall(r"url\(#([^)]+)\)", html)) | {r[1:] for r in parsed.references if r.startswith("#")}
    assert targets
    assert targets <= set(parsed.ids)


def test_a_clean_run_shows_three_plots_and_the_figures(clean: str) -> None:
    assert Page(clean).figures == 3
    assert "All 1,200 answers correct" in clean
    assert "20.0 ms" in clean
    assert "119.7 correct answers/s" in clean  # 3 of the 1,200 arrive after the 10 s


def test_errors_get_a_plot_of_their_own_and_their_text_is_escaped(failed: str) -> None:
    assert Page(failed).figures == 4
    assert "20 of 200 requests failed" in failed
    assert "over &lt;capacity&gt; &amp; $costs$" in failed
    assert "<capacity>" not in failed


def test_says_that_it_certifies_nothing(clean: str) -> None:
    assert "not a certification" in clean


def test_says_how_many_answers_an_unknown_percentile_takes(failed: str) -> None:
    assert "unknown: takes 1,000 correct answers" in failed


def test_a_run_without_a_correct_answer_still_has_a_report() -> None:
    html = render(build.load_result([1.0, 2.0], ["connection refused"] * 2))
    assert Page(html).figures == 2
    assert "No answer was correct" in html


def test_a_run_without_any_answer_still_has_a_report() -> None:
    html = render(build.load_result([], interrupted=True))
    assert Page(html).figures == 0
    assert "a partial run" in html


@pytest.mark.parametrize("latencies", [[5.0], [0.0, 0.0]])
def test_hardly_any_answers_still_make_plots(latencies: list[float]) -> None:
    assert Page(render(build.load_result(latencies))).figures == 3


def test_warns_when_the_generator_was_busy() -> None:
    assert "its own delay" in render(build.load_result([1.0], cpu_cores=0.95))
    assert "its own delay" not in render(build.load_result([1.0], cpu_cores=0.3))


def test_the_same_result_gives_the_same_file(tmp_path: Path) -> None:
    result = build.load_result(_many(50))
    for name in ("a.html", "b.html"):
        write_report(result, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
