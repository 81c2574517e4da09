"""Makes the Python environment from hash-locked requirements, with progress. Standard library only.

python3 -m lookout.virtualenv .venv requirements/lookout.txt
"""

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
    started = time.monotonic()
    python = directory / "bin" / "python"
    wanted = len(re.findall(r"^[a-z0-9].*==", requirements.read_text(), flags=re.MULTILINE))
    print(f"Python environment in {directory}: {wanted} packages (some minutes the first time)", flush=True)
    if not python.exists():
        venv.create(directory, with_pip=True)
    log = directory / "install.log"
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    _watch([*pip, "--require-hashes", "--requirement", str(requirements)], log, started)
    _watch([*pip, "--quiet", "--no-deps", "--no-build-isolation", "--editable", "."], log, started)
    print(f" ✓ {'Python environment':<34} {time.monotonic() - started:7.1f} s", flush=True)


def _watch(command: list[str], log: Path, started: float) -> None:
    """Run pip, its output in `log`; say now and then which package it is at."""
    shown = time.monotonic()
    last = ""
    with (
        log.open("a") as sink,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running,
    ):
        assert running.stdout is not None  # noqa: S101  # asked for a pipe
        for line in running.stdout:
            sink.write(line)
            last = line.strip() or last
            if time.monotonic() - shown > _SHOW_EVERY_S:
                shown = time.monotonic()
                print(f"   [{shown - started:5.0f} s] {last[:90]}", flush=True)
    if running.returncode != 0:
        print(
            f"error: the Python environment could not be installed: {last}\n  → the whole output is in {log}",
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
