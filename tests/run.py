"""`make test`: everything, in phases, saying how long each took. Exit code 0 only when every phase passed.

python -m tests.run [PHASE …]    all but soak, or only those named: static prepare unit loopback browser cluster soak
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from lookout.paths import PROJECT_ROOT, venv_bin

_PYTEST: Final = (str(venv_bin("python")), "-m", "pytest", "-q", "-p", "no:cacheprovider")
_ONE_THREAD: Final = ("env", "OPENBLAS_NUM_THREADS=1")
_LOOKOUT: Final = str(venv_bin("lookout"))

PHASES: Final[dict[str, tuple[Sequence[str], ...]]] = {
    "static": (
        (str(venv_bin("ruff")), "check", "."),
        (str(venv_bin("ruff")), "format", "--check", "."),
        (str(venv_bin("mypy")),),
    ),
    "prepare": ((_LOOKOUT, "prepare"), (str(venv_bin("python")), "-m", "tests.packages")),
    # One thread of linear algebra in each, for there are as many processes as processors. Tests on TensorFlow all go to
    # one of them (`xdist_group`), which imports it once.
    "unit": ((*_ONE_THREAD, *_PYTEST, "--numprocesses=auto", "--dist=loadgroup", "tests/unit", "tests/contract"),),
    # Two files at a time: these tests mostly wait, and what they measure they hold against the lag they had.
    "loopback": ((*_PYTEST, "--numprocesses=2", "--dist=loadfile", "tests/loopback"),),
    # Half of it is waiting for Chromium: two of them, each with a service of its own.
    "browser": ((*_PYTEST, "--numprocesses=2", "--dist=loadfile", "tests/browser"),),
    "cluster": ((*_PYTEST, "-x", "tests/cluster"),),
    "soak": ((*_PYTEST, "tests/soak"),),
}
"""Commands by phase. Later phases run although an earlier one failed, except after `prepare`, which they stand on."""
_ONLY_WHEN_NAMED: Final = ("soak",)
"""Runs before a release, as `make soak`: it takes longer than a test may."""


def main(wanted: Sequence[str]) -> int:
    """Run the phases and print what each took."""
    # A shell's background job ignores the signal and hands that on: tests that interrupt something would wait in vain.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unknown = [name for name in wanted if name not in PHASES]
    if unknown:
        print(f"error: unknown phase {unknown[0]}; there are {', '.join(PHASES)}", file=sys.stderr)
        return 64
    took: dict[str, tuple[float, bool]] = {}
    for name, commands in PHASES.items():
        chosen = name in wanted if wanted else name not in _ONLY_WHEN_NAMED
        if not chosen:
            continue
        print(f"\n=== {name}", flush=True)
        started = time.monotonic()
        outcomes = [_run(command) for command in commands]  # every one, so that one run shows all that is wrong
        passed = all(outcomes)
        took[name] = (time.monotonic() - started, passed)
        if name == "prepare" and not passed:
            break
    print()
    for name, (seconds, passed) in took.items():
        print(f" {'✓' if passed else '✗'} {name:<10} {seconds:8.1f} s", flush=True)
    print(f"   {'all':<10} {sum(seconds for seconds, _ in took.values()):8.1f} s", flush=True)
    return 0 if all(passed for _, passed in took.values()) else 1


def _run(command: Sequence[str]) -> bool:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment) as running:
        try:
            return running.wait() == 0
        except KeyboardInterrupt:  # the phase got the same signal: let it take its node down
            running.wait()
            raise


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
