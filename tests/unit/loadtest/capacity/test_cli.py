"""`lookout load capacity` as typed: exit codes, and what is kept where."""

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtest.capacity import cli, store, targets
from loadtest.capacity.measurement import Subject, Target
from loadtest.capacity.record import CapacityRecord
from loadtest.capacity.record_file import load
from lookout.errors import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_USAGE
from tests.unit.command import ended
from tests.unit.loadtest.capacity.test_measurement import SUBJECT, Pods, Runs

Opened = Callable[..., object]


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[CapacityRecord]:
    """Pods and runs made up; what is committed is collected, what is left in reports/ goes to a temporary directory."""
    kept: list[CapacityRecord] = []

    def commit(one: CapacityRecord) -> str:
        kept.append(one)
        return "committed"

    monkeypatch.setattr(targets, "environment_target", _target(SUBJECT))
    monkeypatch.setattr(targets, "url_target", _target(SUBJECT._replace(digest=None, workers=None)))
    monkeypatch.setattr(targets, "RealRuns", Runs)
    monkeypatch.setattr(store, "commit", commit)
    monkeypatch.setattr(cli, "REPORTS", tmp_path / "reports")
    return kept


def test_a_whole_measurement_is_committed_and_says_how_long_it_takes_first(
    committed: list[CapacityRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ended("--json", str(tmp_path / "copy.json")) == 0
    said = capsys.readouterr()
    assert re.match(r"quick measurement: about \d+ to \d+ minutes", said.err)
    assert "Concurrency limit" in said.out
    assert len(committed) == 1
    assert committed[0].sizing is not None
    assert load(tmp_path / "copy.json") == committed[0]
    assert [file.suffix for file in (tmp_path / "reports").iterdir()] == [".html"]


def test_ctrl_c_keeps_what_there_is_and_commits_nothing(
    committed: list[CapacityRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "RealRuns", lambda: Runs(interrupt_after=7))
    assert _ended() == EXIT_INTERRUPTED
    assert committed == []
    (partial,) = (tmp_path / "reports").glob("capacity-*-partial.json")
    kept = load(partial)
    assert kept.interrupted
    assert len(kept.concurrency.points) == 7


def test_being_told_to_end_is_as_ctrl_c(
    committed: list[CapacityRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    terminated = Runs(interrupt_after=7, interrupt=lambda: signal.raise_signal(signal.SIGTERM))
    monkeypatch.setattr(targets, "RealRuns", lambda: terminated)
    assert _ended() == EXIT_INTERRUPTED
    assert committed == []
    assert list((tmp_path / "reports").glob("capacity-*-partial.json"))
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_url_is_measured_into_reports_and_sizes_nothing(committed: list[CapacityRecord], tmp_path: Path) -> None:
    assert _ended("--url", "http://127.0.0.1:1") == EXIT_FAILURE
    assert committed == []
    (file,) = (tmp_path / "reports").glob("capacity-*.json")
    assert load(file).replicas is None


@pytest.mark.parametrize(
    "words",
    [
        ["--env", "prod", "--url", "http://127.0.0.1:1"],
        ["--slo", "p99<=fast"],
        ["--replicas", "1,2,3"],
        ["--concurrency", "1,2,3,4,5,five"],
        ["--limit-millicores", "5"],
    ],
)
def test_wrong_words_end_with_usage_before_anything_is_touched(
    committed: list[CapacityRecord], words: list[str]
) -> None:
    assert _ended(*words) == EXIT_USAGE
    assert committed == []


def _target(subject: Subject) -> Opened:
    @contextmanager
    def opened(*_: object) -> Iterator[tuple[Subject, Target]]:
        yield subject, Pods(scalable=subject.digest is not None)

    return opened


def _ended(*words: str) -> int:
    return ended("load", "capacity", *words)
