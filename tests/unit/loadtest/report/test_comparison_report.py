"""Two runs on one page, on screen and as JSON: the conclusion first, and no run of another schema."""

import json
from pathlib import Path

import pytest

from loadtest.comparison import resampling
from loadtest.comparison.compare import Comparison, compare
from loadtest.report.comparison import render
from loadtest.report.difference import conclusion
from loadtest.result import LoadResult
from tests.unit.command import ended
from tests.unit.loadtest import build
from tests.unit.loadtest.report.page import Page, assert_self_contained


def _run(milliseconds: float, count: int = 1000, kinds: list[str | None] | None = None) -> LoadResult:
    return build.load_result([milliseconds + i * 37 % 101 / 10 for i in range(count)], kinds)


@pytest.fixture(autouse=True)
def _fewer_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "REPLICATES", 500)


def _compared(first: LoadResult, second: LoadResult) -> Comparison:
    return compare(first, second, ("<first>.json", "second.json"))


def test_the_page_is_whole_and_fetches_nothing() -> None:
    first, second = _run(20), _run(30, kinds=["status 500: <b>" if i % 3 == 0 else None for i in range(1000)])
    page = assert_self_contained(render(first, second, _compared(first, second)), {"http://127.0.0.1:8080"})
    assert page.figures == 4
    assert "<first>.json" in page.words


def test_the_conclusion_comes_first_in_plain_words() -> None:
    first, second = _run(20), _run(30)
    words = Page(render(first, second, _compared(first, second))).words
    assert words.index("The second run is worse in p50, p90 and p99") < words.index("Tested")
    assert "higher in the second run by 10.0 ms" in words
    word, _ = conclusion(_compared(second, first))
    assert word == "The second run is better in p50, p90 and p99"
    word, sentences = conclusion(_compared(first, first))
    assert word == "No difference that chance could not explain"
    assert all("no difference beyond chance" in sentence for sentence in sentences)


def test_says_what_makes_the_runs_hard_to_compare() -> None:
    first = _run(20)
    second = first.model_copy(update={"settings": first.settings.model_copy(update={"seed": 5})})
    assert "seed: 1 against 5" in render(first, second, _compared(first, second))
    assert "Read with care" not in render(first, first, _compared(first, first))


@pytest.mark.parametrize("count", [0, 1, 30])
def test_runs_with_hardly_any_answers_have_a_page(count: int) -> None:
    first, second = _run(20, count), _run(20, 1000)
    words = Page(render(first, second, _compared(first, second))).words
    assert "cannot be compared" in words


def test_the_command_writes_both_files_and_ends_with_0_whatever_it_finds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b, html, js = (tmp_path / name for name in ("a.json", "b.json", "out.html", "out.json"))
    _run(20).save(a)
    _run(30).save(b)
    assert ended("load", "compare", str(a), str(b), "--html", str(html), "--json", str(js)) == 0
    assert "The second run is worse in p50, p90 and p99" in capsys.readouterr().out
    assert Comparison.model_validate_json(js.read_text()).differences[0].significant
    assert "<svg" in html.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["a.json"], 64, "B.json"),
        (["a.json", "none.json"], 1, "cannot read"),
        (["a.json", "old.json"], 1, "schema version 1, this program reads 2"),
        (["a.json", "a.json", "--html", "/dev/null/x.html"], 64, "cannot write"),
        (["a.json", "a.json", "--html", "x", "--json", "x"], 64, "named for two outputs"),
        (["a.json", "a.json", "--seed", "-1"], 64, "--seed"),
    ],
)
def test_misuse_is_one_line_and_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    _run(20, 10).save(tmp_path / "a.json")
    (tmp_path / "old.json").write_text(json.dumps({"schema_version": 1}))
    before = sorted(tmp_path.iterdir())
    assert ended("load", "compare", *arguments) == code
    captured = capsys.readouterr()
    assert message in " ".join((captured.out + captured.err).split())
    assert "Traceback" not in captured.err
    assert sorted(tmp_path.iterdir()) == before
