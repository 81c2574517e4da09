"""Which processes count as left behind by a killed Pulumi."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra import orphans, proc_stat
from lookout import environment


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The backend as a Pulumi of this project finds it in its environment."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return environment.complete()["PULUMI_BACKEND_URL"]


def _sleeper(backend_url: str, name: str) -> "subprocess.Popen[bytes]":
    """A process that looks like one of Pulumi's plugins."""
    code = "import time; time.sleep(60)"
    return subprocess.Popen([sys.executable, "-c", code, name], env={**os.environ, "PULUMI_BACKEND_URL": backend_url})


def test_ends_a_plugin_whose_pulumi_is_gone(url: str) -> None:
    plugin = _sleeper(url, "pulumi-language-python")
    time.sleep(0.2)
    try:
        assert orphans.end(environment.backend_url()) == [plugin.pid]
        assert plugin.wait(5) == -9
    finally:
        plugin.kill()


def test_leaves_other_backends_and_other_programs_alone(url: str) -> None:
    elsewhere = _sleeper(f"{url}&elsewhere", "pulumi-language-python")
    other = _sleeper(url, "something-else")
    time.sleep(0.2)
    try:
        assert orphans.end(url) == []
        assert proc_stat.running(elsewhere.pid)
        assert proc_stat.running(other.pid)
    finally:
        for process in (elsewhere, other):
            process.kill()
            process.wait()
