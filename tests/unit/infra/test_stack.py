"""The stack's file, its lock and what an interrupted run leaves, without Pulumi."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra import stack, stackfile, stacklock
from lookout import environment, paths, process
from lookout.errors import LookoutError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with the local example only, and a state directory of its own."""
    example = "Pulumi.local.example.yaml"
    (tmp_path / example).write_text((paths.PROJECT_ROOT / example).read_text())
    monkeypatch.setattr(paths, "PROJECT_ROOT", tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def test_a_missing_file_is_copied_from_the_example(root: Path) -> None:
    assert stackfile.ensure("local").read_text() == (root / "Pulumi.local.example.yaml").read_text()


def test_an_existing_file_is_never_overwritten(root: Path) -> None:
    (root / "Pulumi.local.yaml").write_text("config: {}\n")
    assert stackfile.ensure("local").read_text() == "config: {}\n"


def test_a_stack_without_file_and_example_is_explained(root: Path) -> None:
    with pytest.raises(LookoutError, match=r"no Pulumi\.mine\.yaml"):
        stackfile.ensure("mine")
    assert not (root / "Pulumi.mine.yaml").exists()


def test_no_file_means_the_defaults(root: Path) -> None:
    assert root.exists()
    assert stackfile.settings("local").node.name == "lookout"


def test_the_salt_of_a_stack_that_is_gone_is_dropped_and_nothing_else(root: Path) -> None:
    file = root / "Pulumi.local.yaml"
    file.write_text("# mine\nconfig:\n  lookout:target: local\nencryptionsalt: v1:abc\n")
    stackfile.forget_encryption(file)
    assert file.read_text() == "# mine\nconfig:\n  lookout:target: local\n"


def test_values_encrypted_for_a_stack_that_is_gone_are_not_lost(root: Path) -> None:
    file = root / "Pulumi.local.yaml"
    text = "config:\n  other:token:\n    secure: v1:xyz\nencryptionsalt: v1:abc\n"
    file.write_text(text)
    with pytest.raises(LookoutError, match="encrypted"):
        stackfile.forget_encryption(file)
    assert file.read_text() == text


def _lock(root: Path, **owner: object) -> Path:
    lock = root / ".pulumi" / "locks" / "organization" / "lookout" / "local" / "1.json"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps(owner))
    return lock


def test_the_lock_of_a_dead_process_is_lifted(root: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock = _lock(root, pid=gone.pid, hostname=socket.gethostname())
    assert stacklock.release_if_dead(root, "local") == [lock]
    assert not lock.exists()


def test_a_process_number_given_to_another_program_holds_no_lock(root: Path) -> None:
    lock = _lock(root, pid=os.getpid(), hostname=socket.gethostname())
    assert stacklock.release_if_dead(root, "local") == [lock]


def test_the_lock_of_a_living_pulumi_is_respected(root: Path) -> None:
    pulumi = root / "pulumi"
    pulumi.symlink_to("/bin/sleep")
    with subprocess.Popen([pulumi, "60"]) as living:
        try:
            lock = _lock(root, pid=living.pid, hostname=socket.gethostname())
            with pytest.raises(LookoutError, match=f"process {living.pid}"):
                stacklock.release_if_dead(root, "local")
            assert lock.exists()
        finally:
            living.kill()


def test_the_lock_of_another_machine_is_respected(root: Path) -> None:
    lock = _lock(root, pid=1, hostname="elsewhere")
    with pytest.raises(LookoutError, match="on elsewhere"):
        stacklock.release_if_dead(root, "local")
    assert lock.exists()


def test_another_stacks_lock_is_left_alone(root: Path) -> None:
    lock = _lock(root, pid=1, hostname="elsewhere")
    assert stacklock.release_if_dead(root, "another") == []
    assert lock.exists()


def test_there_is_nothing_to_destroy_before_the_first_up(root: Path) -> None:
    assert root.exists()
    assert stack.destroy().unchanged
    assert stack.outputs() == {}


# What it says after the first line fills a pipe several times over; unread, it would stand still until the alarm.
_TALKATIVE = """#!{python}
import pathlib, signal
signal.alarm(10)
print("first", flush=True)
for _ in range(20_000):
    print("still at it: a line of some length", flush=True)
print("last", flush=True)
pathlib.Path("state").write_text("written")
"""


def test_an_interrupted_pulumi_is_heard_out_until_it_has_written_its_state(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    double = root / "bin" / "pulumi"
    double.parent.mkdir()
    double.write_text(_TALKATIVE.format(python=sys.executable))
    double.chmod(0o755)
    monkeypatch.setattr(stack, "ensure", lambda _name: None)
    monkeypatch.setattr(environment, "complete", lambda: {"PATH": str(double.parent)})
    heard: list[str] = []

    def progress(text: str) -> None:
        heard.append(text)
        if text == "first":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stack.preview(progress)
    assert (root / "state").read_text() == "written"
    assert (heard[0], heard[-1]) == ("first", "last")


@pytest.mark.parametrize("force", [False, True])
def test_a_stack_is_forgotten_with_what_it_lists_only_by_force(
    root: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    assert root.exists()
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(stack, "exists", lambda _name: True)
    monkeypatch.setattr(stack, "_pulumi", lambda *words: asked.append(words))
    stack.remove(force=force)
    assert [("--force" in words, words[:2]) for words in asked] == [(force, ("stack", "rm"))]


def test_the_passphrase_is_made_once_and_private(root: Path) -> None:
    assert root.exists()
    first = environment.passphrase_file()
    text = first.read_text()
    assert len(text) >= 32
    assert first.stat().st_mode & 0o777 == 0o600
    assert environment.passphrase_file().read_text() == text
    assert [file.name for file in first.parent.iterdir()] == ["passphrase"]


def test_what_would_win_over_our_passphrase_is_left_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert root.exists()
    monkeypatch.setattr(environment, "environment", lambda: {"PULUMI_HOME": "ours"})
    complete = environment.complete({"PULUMI_CONFIG_PASSPHRASE": "theirs", "PULUMI_HOME": "theirs", "LANG": "C"})
    assert complete == {"PULUMI_HOME": "ours", "LANG": "C"}


def test_pulumi_keeps_no_file_that_a_kill_could_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "Pulumi.yaml").write_text("name: lookout\nruntime: python\n")
    for _ in range(2):
        process.run(
            ["pulumi", "stack", "select", "--create", "local"], cwd=tmp_path, env=environment.complete(), timeout_s=60
        )
    kept = [path.name for path in environment.backend().rglob("*") if path.is_file()]
    assert "local.json" in kept
    assert [name for name in kept if name.endswith(".attrs")] == []
