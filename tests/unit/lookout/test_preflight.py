"""What a machine must offer, and how its lack is said."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lookout import contract, paths, preflight


def test_runs_on_the_systems_python_without_any_package() -> None:
    """`make up` calls it before there is an environment."""
    code = "import sys, lookout.preflight; print(sorted({'pydantic', 'rich', 'typer'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=paths.PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.replace("'", '"')) == []


def test_names_every_toolchain_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = " ".join(problem.what for problem in preflight._toolchains())
    for name in ("go", "node", "npm", "git"):
        assert f"{name} is not on PATH" in said


def test_says_which_version_of_a_toolchain_is_too_old(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "go"
    old.write_text("#!/bin/sh\necho go1.19.8\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = [problem.what for problem in preflight._toolchains() if problem.what.startswith("go is")]
    assert found == ["go is go1.19.8, at least 1.25.11 is needed"]


def test_every_problem_has_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(preflight, "MINIMUM_MEMORY_BYTES", 1 << 60)
    monkeypatch.setattr(preflight, "COLD_DISK_BYTES", 1 << 60)
    monkeypatch.setattr(preflight, "WARM_DISK_BYTES", 1 << 60)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = preflight.problems(any_doors=True)
    assert len(found) >= 7
    assert all(problem.remedy for problem in found)


def test_a_taken_default_door_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Taken(socket.socket):
        def bind(self, _address: object) -> None:
            raise OSError(98, "Address already in use")

    monkeypatch.setattr(paths, "PROJECT_ROOT", tmp_path)
    monkeypatch.setattr("socket.socket", Taken)
    found = list(preflight._default_doors())
    assert len(found) == len(contract.DOORS)
    assert "port 8080 on 127.0.0.1, the door to prod" in found[0].what
    assert "lookout:local.doors.prod" in found[0].remedy


def test_moved_doors_are_left_to_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.local.yaml").write_text("config: {}\n")
    monkeypatch.setattr(paths, "PROJECT_ROOT", tmp_path)
    assert list(preflight._default_doors()) == []
