"""Running programs, recording artifacts, naming steps, refusing a second run."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from lookout import artifact, cli, contract, debian, process
from lookout.artifact import Artifact
from lookout.errors import LookoutError
from lookout.exclusive import only_one
from lookout.files import write_whole
from lookout.steps import Steps

ARTIFACT = Artifact(bento="detector:abc", model="ssd:1", image=f"{contract.IMAGE_REPOSITORY}@sha256:{'0' * 64}")


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_a_failing_program_shows_its_last_words_and_its_code() -> None:
    with pytest.raises(LookoutError, match=r"exit code 3:\n    out of cheese"):
        process.run(["sh", "-c", "echo out of cheese >&2; exit 3"])


def test_a_missing_program_is_an_error_not_a_traceback() -> None:
    with pytest.raises(LookoutError, match="cannot run no-such-program"):
        process.run(["no-such-program"])


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(LookoutError, match=r"did not end within 0\.1 s"):
        process.run(["sleep", "10"], timeout_s=0.1)


def test_with_a_log_only_this_runs_output_is_quoted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process.run(["echo", "earlier"], log=log)
    with pytest.raises(LookoutError) as caught:
        process.run(["sh", "-c", "echo now; exit 1"], log=log)
    assert "now" in caught.value.message
    assert "earlier" not in caught.value.message
    assert str(log) in str(caught.value.remedy)


def test_an_artifact_is_found_by_its_bento_and_as_the_latest() -> None:
    ARTIFACT.save()
    assert artifact.load() == artifact.load("detector:abc") == ARTIFACT


def test_a_missing_artifact_says_which_command_makes_it() -> None:
    with pytest.raises(LookoutError) as caught:
        artifact.load("detector:none")
    assert "lookout bento image" in str(caught.value.remedy)


def test_a_damaged_record_names_the_file(own_state: Path) -> None:
    ARTIFACT.save()
    (own_state / "lookout" / "images" / "latest.json").write_text('{"image": "detector:latest"}')
    with pytest.raises(LookoutError, match=r"latest\.json is not a record of an image"):
        artifact.load()


@pytest.mark.parametrize("image", ["detector:latest", f"elsewhere/detector@sha256:{'0' * 64}", "detector@sha256:short"])
def test_an_artifact_takes_only_a_digest_of_the_contracts_repository(image: str) -> None:
    with pytest.raises(ValueError, match="image"):
        Artifact(bento="detector:a", model="m:1", image=image)


def test_steps_print_start_end_and_outcome_and_keep_the_time() -> None:
    console = Console(record=True, width=120)
    steps = Steps("unit", console)
    with steps.step("Tools") as step:
        step.detail("kubectl")
        step.done("unchanged")
    shown = console.export_text()
    assert "✓ Tools" in shown
    assert "unchanged" in shown
    assert steps.seconds["Tools"] >= 0
    assert "kubectl" in steps.log.read_text()


def test_a_failed_step_points_to_its_log() -> None:
    steps = Steps("unit", Console(record=True))
    with pytest.raises(LookoutError) as caught, steps.step("Tools"):
        raise LookoutError("no compiler")
    assert caught.value.remedy == f"details: {steps.log}"


def test_a_second_run_is_refused_and_names_the_first() -> None:
    with only_one():
        code = "from lookout.exclusive import only_one\nwith only_one(): pass"
        done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert f"process {os.getpid()}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"), [(["no-such-command"], 64), (["node", "no-such"], 64), (["node", "status", "--nope"], 64)]
)
def test_wrong_usage_ends_with_64(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == code
    assert "Traceback" not in capsys.readouterr().err


def test_an_error_prints_its_remedy_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["node", "kubeconfig", "--name", "absent"])
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "there is no node called absent" in said
    assert "→ a second node belongs to a stack of its own" in said


def test_a_full_disk_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(_wanted: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cli, "_application", full)
    with pytest.raises(SystemExit) as ended:
        cli.main(["tools"])
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "the disk is full" in said
    assert "disk-full.md" in said


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "spec.json"
    write_whole(path, "old", mode=0o600)

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".tmp")] == []


@pytest.mark.parametrize(
    ("umask", "mode", "left"), [(0o022, 0o644, 0o644), (0o077, 0o644, 0o600), (0o022, 0o600, 0o600)]
)
def test_the_umask_counts_for_a_file_that_is_written_whole(tmp_path: Path, umask: int, mode: int, left: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "report.json", "{}", mode)
    finally:
        os.umask(before)
    assert (tmp_path / "report.json").stat().st_mode & 0o777 == left


def test_an_interrupted_program_may_clean_up(tmp_path: Path) -> None:
    """As after Ctrl-C in a terminal, both get the signal; the child's last words must not be cut off."""
    trap = f"trap 'sleep 0.5; echo done > {tmp_path}/done; exit 1' INT"
    script = f"{trap}; touch {tmp_path}/up; while :; do sleep 0.1; done"
    code = f"from lookout import process\nprocess.run(['sh', '-c', {script!r}])"
    running = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stderr=subprocess.DEVNULL)
    while not (tmp_path / "up").exists():
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    running.wait(20)
    assert (tmp_path / "done").exists()


def test_packages_are_missing_where_their_programs_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_args, **_kw: None)
    assert set(debian.missing()) >= {"containerd", "runc", "skopeo"}


def test_without_apt_the_packages_to_install_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_args, **_kw: None)
    with pytest.raises(LookoutError) as caught:
        debian.install()
    assert "containerd" in str(caught.value.remedy)
