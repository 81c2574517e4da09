"""One process as the kernel lists it."""

import os
import subprocess
import sys
from pathlib import Path

from infra import proc_stat


def test_this_process_runs_below_its_parent() -> None:
    found = proc_stat.running(os.getpid())
    assert found is not None
    assert found.parent == os.getppid()
    assert found.state == "R"


def test_what_started_later_has_more_ticks() -> None:
    mine = proc_stat.read(os.getpid())
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        found = proc_stat.read(process.pid)
        process.kill()
    assert mine
    assert found
    assert found.start_ticks > mine.start_ticks


def test_a_name_with_brackets_and_spaces_moves_no_field(tmp_path: Path) -> None:
    odd = tmp_path / "a) Z 1 (b"
    odd.symlink_to(sys.executable)
    with subprocess.Popen([odd, "-c", "input()"], stdin=subprocess.PIPE) as process:
        found = proc_stat.read(process.pid)
        process.kill()
    assert found
    assert found.parent == os.getpid()
    assert found.runs


def test_a_process_that_nobody_has_collected_yet_is_there_and_does_not_run() -> None:
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    assert proc_stat.read(zombie.pid)
    assert not proc_stat.running(zombie.pid)
    zombie.wait()
    assert not proc_stat.read(zombie.pid)
