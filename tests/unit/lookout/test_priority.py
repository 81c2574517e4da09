"""What is short goes first, and so does what it starts."""

import os
import subprocess
from pathlib import Path

import pytest

from lookout import priority
from lookout.priority import ahead_of_others


@pytest.fixture(autouse=True)
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In place of the kernel's file on this session."""
    file = tmp_path / "autogroup"
    file.write_text("/autogroup-7 nice 0\n")
    monkeypatch.setattr(priority, "_AUTOGROUP", file)
    return file


def _niceness_of_a_child() -> int:
    return int(subprocess.run(["nice"], check=True, capture_output=True, text=True).stdout)


def test_within_the_block_children_go_first_and_afterwards_no_more() -> None:
    before = _niceness_of_a_child()
    with ahead_of_others():
        within = _niceness_of_a_child()
    assert within == (max(before - 10, -20) if os.geteuid() == 0 else before)
    assert _niceness_of_a_child() == before


def test_the_session_goes_before_others_as_long(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "setpriority", lambda *_: None)
    with ahead_of_others():
        assert session.read_text() == "-10"
    assert session.read_text() == "0"


@pytest.mark.parametrize("content", [None, "\n"])
def test_a_kernel_without_sessions_is_not_asked(
    session: Path, content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "setpriority", lambda *_: None)
    session.unlink() if content is None else session.write_text(content)
    with ahead_of_others():
        assert session.exists() == (content is not None)


def test_without_the_right_everything_stays_as_it_is(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)

    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    with ahead_of_others():
        assert os.getpriority(os.PRIO_PROCESS, 0) == before
    assert session.read_text() == "/autogroup-7 nice 0\n"
