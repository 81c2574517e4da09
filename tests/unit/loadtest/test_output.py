"""Outputs are refused before a run and written whole after it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtest.output import check_writable, default_paths, latest_result, write_output
from lookout.errors import LookoutError, UsageError


def test_the_latest_result_is_the_newest_of_those_with_a_default_name(tmp_path: Path) -> None:
    stamps = [datetime(2026, 1, 2, tzinfo=UTC), datetime(2025, 12, 31, 23, 59, tzinfo=UTC)]
    for stamp in stamps:
        (tmp_path / default_paths(stamp)[0].name).touch()
    (tmp_path / "mine.json").touch()
    assert latest_result(tmp_path).name == "load-20260102T000000Z.json"


def test_without_a_result_there_is_no_latest_one(tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="no load result"):
        latest_result(tmp_path / "none")


def test_looking_leaves_no_trace(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "a.json", tmp_path / "new" / "a.html")
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_directory(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory"):
        check_writable(tmp_path)


def test_refuses_one_file_for_both(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is named for two outputs"):
        check_writable(tmp_path / "a", tmp_path / "b" / ".." / "a")


def test_refuses_a_place_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write"):
        check_writable(tmp_path / "file" / "out.json")


def test_writing_makes_the_directory(tmp_path: Path) -> None:
    write_output(tmp_path / "new" / "a", "text")
    assert (tmp_path / "new" / "a").read_text() == "text"


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_output(path, "half \udc80")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.json"]


def test_a_full_disk_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(LookoutError, match="No space left on device"):
        write_output(tmp_path / "out.json", "text")
    assert list(tmp_path.iterdir()) == []
