"""The token of `lookout load run`: from a file, by option or environment, into a header that nobody shows."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from loadtest.commands import run
from loadtest.settings import LoadSettings
from tests.unit.command import ended

GIVEN = "0123456789abcdef"


@pytest.fixture
def conducted(monkeypatch: pytest.MonkeyPatch) -> list[LoadSettings]:
    """What would be run."""
    seen: list[LoadSettings] = []
    monkeypatch.setattr(run, "conduct", lambda settings, *_: seen.append(settings))
    return seen


def code_of(words: list[str], url: Sequence[str] = ("--url", "http://127.0.0.1:9")) -> int:
    return ended("load", "run", *url, *words)


@pytest.mark.parametrize("way", ["option", "environment"])
def test_it_goes_with_every_request_and_is_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, conducted: list[LoadSettings], way: str
) -> None:
    (tmp_path / "tokens").write_text(f"# ours\n{GIVEN}\n")
    if way == "environment":
        monkeypatch.setenv("LOOKOUT_TOKEN_FILE", str(tmp_path / "tokens"))
    words = ["--token-file", str(tmp_path / "tokens")] if way == "option" else []
    assert code_of(words) == 0
    (settings,) = conducted
    assert settings.headers["Authorization"].get_secret_value() == f"Bearer {GIVEN}"
    assert GIVEN not in repr(settings) + settings.model_dump_json()


def test_a_run_in_the_cluster_takes_it_the_same_way(tmp_path: Path, conducted: list[LoadSettings]) -> None:
    (tmp_path / "tokens").write_text(GIVEN)
    words = ["--in-cluster", "--header", "X-Team: ours", "--token-file", str(tmp_path / "tokens")]
    assert code_of(words, url=()) == 0
    (settings,) = conducted
    sent = {name: value.get_secret_value() for name, value in settings.headers.items()}
    assert sent == {"X-Team": "ours", "Authorization": f"Bearer {GIVEN}"}


@pytest.mark.parametrize("words", [["--master", "127.0.0.1:5557", "--expect-workers", "1"], ["--web", "8089"]])
def test_what_a_job_cannot_do_is_refused(
    words: list[str], conducted: list[LoadSettings], capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(["--in-cluster", *words], url=()) == 64
    assert words[0] in capsys.readouterr().err
    assert conducted == []
