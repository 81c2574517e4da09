"""Which processes count as left behind by a killed Pulumi."""

import os
import subprocess
import sys
import time
from pathlib import Path

from infra import orphans


def _sleeper(backend: Path, name: str) -> "subprocess.Popen[bytes]":
    """A process that looks like one of Pulumi's plugins."""
    code = "import time; time.sleep(60)"
    environment = {**os.environ, "PULUMI_BACKEND_URL": f"file://{backend}"}
    return subprocess.Popen([sys.executable, "-c", code, name], env=environment)


def test_ends_a_plugin_whose_pulumi_is_gone(tmp_path: Path) -> None:
    plugin = _sleeper(tmp_path, "pulumi-language-python")
    time.sleep(0.2)
    try:
        assert orphans.end(tmp_path) == [plugin.pid]
        assert plugin.wait(5) == -9
    finally:
        plugin.kill()


def test_leaves_other_backends_and_other_programs_alone(tmp_path: Path) -> None:
    elsewhere = _sleeper(tmp_path / "elsewhere", "pulumi-language-python")
    other = _sleeper(tmp_path, "something-else")
    time.sleep(0.2)
    try:
        assert orphans.end(tmp_path) == []
        assert orphans.running(elsewhere.pid)
        assert orphans.running(other.pid)
    finally:
        for process in (elsewhere, other):
            process.kill()
            process.wait()


def test_a_process_that_nobody_has_collected_yet_does_not_run() -> None:
    zombie = subprocess.Popen(["true"])
    time.sleep(0.2)
    assert not orphans.running(zombie.pid)
    zombie.wait()
