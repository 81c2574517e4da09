"""What the container says and keeps: progress, a result that waits to be fetched, and failures with their codes."""

import gzip
import hashlib
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from loadtest.incluster import pod, protocol
from loadtest.incluster.protocol import Failed, Finished, Said, Word, understood
from loadtest.recording import Recording
from loadtest.result import LoadResult
from loadtest.settings import LoadSettings
from lookout.errors import EXIT_INTERRUPTED, LookoutError
from tests.unit.loadtest.build import load_result

RESULT = load_result([10.0] * 20)
SETTINGS = LoadSettings(url="http://detector.test", duration_s=7, seed=3)


@pytest.fixture(autouse=True)
def _container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / protocol.SETTINGS_FILE).write_bytes(gzip.compress(SETTINGS.model_dump_json().encode()))
    monkeypatch.setattr(protocol, "SETTINGS_FOLDER", str(tmp_path))
    monkeypatch.setattr(protocol, "RESULT_FILE", str(tmp_path / "result.json.gz"))
    monkeypatch.setattr(protocol, "FETCHED_FILE", str(tmp_path / "fetched"))
    monkeypatch.setattr(protocol, "FETCH_WITHIN_S", 0.05)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(pod, "meet", lambda *_: {"name": "ssdlite"})


def start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run: Callable[..., LoadResult]
) -> tuple[int, list[Word | None]]:
    monkeypatch.setattr(pod, "run_load", run)
    code = pod.main()
    return code, [understood(line) for line in capsys.readouterr().out.splitlines()]


def test_the_result_is_kept_whole_and_its_size_and_sum_are_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(settings: LoadSettings, service: dict[str, str], progress: Callable[[Recording], None]) -> LoadResult:
        assert settings == SETTINGS
        assert service == {"name": "ssdlite"}
        progress(Recording())
        return RESULT

    code, words = start(monkeypatch, capsys, run)
    kept = Path(protocol.RESULT_FILE).read_bytes()
    assert code == 0
    assert isinstance(words[0], Said)
    assert words[-1] == Finished(size_bytes=len(kept), sha256=hashlib.sha256(kept).hexdigest())
    assert LoadResult.model_validate_json(gzip.decompress(kept)) == RESULT


def test_a_run_that_cannot_be_made_says_why_and_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: Any) -> LoadResult:
        raise LookoutError("nothing answers", "start it")

    code, words = start(monkeypatch, capsys, run)
    assert code == 1
    assert words == [Failed(message="nothing answers", remedy="start it", exit_code=1)]
    assert not Path(protocol.RESULT_FILE).exists()


def test_an_interrupt_before_the_first_answer_is_an_interrupt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: Any) -> LoadResult:
        raise KeyboardInterrupt

    code, words = start(monkeypatch, capsys, run)
    assert code == EXIT_INTERRUPTED
    assert isinstance(words[-1], Failed)


def test_the_container_ends_at_once_when_its_result_was_fetched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(protocol, "FETCH_WITHIN_S", 600)

    def run(*_: Any) -> LoadResult:
        Path(protocol.FETCHED_FILE).touch()
        return RESULT

    assert start(monkeypatch, capsys, run)[0] == 0


def test_headers_come_from_their_own_file_and_are_told_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = {"Authorization": "Bearer 0123456789abcdef"}
    meant = SETTINGS.model_copy(update={"headers": {name: SecretStr(value) for name, value in secret.items()}})
    (tmp_path / protocol.SETTINGS_FILE).write_bytes(gzip.compress(meant.model_dump_json().encode()))
    (tmp_path / "headers").mkdir()
    (tmp_path / "headers" / protocol.HEADERS_FILE).write_text(json.dumps(secret))
    monkeypatch.setattr(protocol, "HEADERS_FOLDER", str(tmp_path / "headers"))

    def run(settings: LoadSettings, _: dict[str, str], progress: Callable[[Recording], None]) -> LoadResult:
        assert settings.revealed()["headers"] == secret
        progress(Recording())
        return RESULT.model_copy(update={"settings": settings})

    monkeypatch.setattr(pod, "run_load", run)
    assert pod.main() == 0
    said = capsys.readouterr()
    kept = gzip.decompress(Path(protocol.RESULT_FILE).read_bytes()).decode()
    assert "Authorization" in kept
    assert "0123456789abcdef" not in kept + said.out + said.err
