"""The token of `lookout load run`: from a file, by option or environment, into a header that nobody shows."""

from pathlib import Path

import pytest

from loadtest.commands import run
from loadtest.settings import LoadSettings
from lookout.cli import main

GIVEN = "0123456789abcdef"


@pytest.fixture
def conducted(monkeypatch: pytest.MonkeyPatch) -> list[LoadSettings]:
    """What would be run."""
    seen: list[LoadSettings] = []
    monkeypatch.setattr(run, "conduct", lambda settings, *_: seen.append(settings))
    return seen


def code_of(words: list[str]) -> object:
    with pytest.raises(SystemExit) as ended:
        main(["load", "run", "--url", "http://127.0.0.1:9", *words])
    return ended.value.code


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


def test_a_job_in_the_cluster_refuses_it_instead_of_sending_none(
    tmp_path: Path, conducted: list[LoadSettings], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tokens").write_text(GIVEN)
    assert code_of(["--in-cluster", "--token-file", str(tmp_path / "tokens")]) == 64
    assert "--token-file" in capsys.readouterr().err
    assert conducted == []
