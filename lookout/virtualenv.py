"""Makes the Python environment from hash-locked requirements, with progress. Standard library only.

python3 -m lookout.virtualenv .venv requirements/lookout.txt
"""

import fcntl
import re
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Final

_SHOW_EVERY_S: Final = 5.0


def main(directory: Path, requirements: Path) -> None:
    """Create or update `directory`; ends the process with an explanation when pip fails."""
    with Path(f"{directory}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"error: another make is installing {directory}\n  → wait until it has ended", file=sys.stderr)
            sys.exit(1)
        _install(directory, requirements)


def _install(directory: Path, requirements: Path) -> None:
    started = time.monotonic()
    python = directory / "bin" / "python"
    wanted = len(re.findall(r"^[a-z0-9].*==", requirements.read_text(), flags=re.MULTILINE))
    print(f"Python environment in {directory}: {wanted} packages (some minutes the first time)", flush=True)
    if not (directory / "bin" / "pip").exists():  # none yet, or one whose making was interrupted
        venv.create(directory, with_pip=True, clear=True)
    log = directory / "install.log"
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    # The lock names everything; pip would refuse what a package asks for with an extra, which the lock leaves out.
    _watch([*pip, "--require-hashes", "--no-deps", "--requirement", str(requirements)], log, started)
    _watch([*pip, "--quiet", "--no-deps", "--no-build-isolation", "--editable", "."], log, started)
    print(f" ✓ {'Python environment':<34} {time.monotonic() - started:7.1f} s", flush=True)


def _watch(command: list[str], log: Path, started: float) -> None:
    """Run pip, its output in `log`; every few seconds say what it is at, also while it is silent."""
    with log.open("a") as sink:
        running = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT)
        while True:
            try:
                running.wait(_SHOW_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                print(f"   [{time.monotonic() - started:5.0f} s] {_last_line(log)[:90]}", flush=True)
            except KeyboardInterrupt:
                running.terminate()
                running.wait()
                sys.exit(130)
    if running.returncode != 0:
        why = _last_line(log)
        print(f"error: the Python environment could not be installed: {why}\n  → see {log}", file=sys.stderr)
        sys.exit(1)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "starting")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
