"""Running external programs: their output goes to a log or is returned, their failure becomes a LookoutError."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lookout.errors import LookoutError

_TAIL_LINES = 12


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input_text: str | None = None,
    log: Path | None = None,
    timeout_s: float | None = None,
    remedy: str | None = None,
) -> str:
    """Run a program to its end and return its standard output.

    `env` is added to this process's environment. With `log`, standard output and error are appended to that file
    instead, and the empty string is returned. Raises LookoutError with the last lines of the output when the program
    is missing, fails or outlasts `timeout_s`.
    """
    words = [str(word) for word in command]
    shown = shlex.join(words[:6]) + (" …" if len(words) > 6 else "")
    options = {
        "cwd": cwd,
        "env": {**os.environ, **env} if env is not None else None,
        "input": input_text,
        "text": True,
        "timeout": timeout_s,
    }
    try:
        if log is None:
            done = subprocess.run(words, check=False, capture_output=True, **options)  # type: ignore[call-overload]  # one set of options for both calls
        else:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a") as sink:
                sink.write(f"$ {shlex.join(words)}\n")
                sink.flush()
                start = sink.tell()
                done = subprocess.run(words, check=False, stdout=sink, stderr=subprocess.STDOUT, **options)  # type: ignore[call-overload]  # as above
    except FileNotFoundError as error:
        raise LookoutError(f"cannot run {words[0]}: {error.strerror}", remedy) from error
    except subprocess.TimeoutExpired as error:
        raise LookoutError(f"{shown} did not end within {timeout_s:g} s", remedy or _see(log)) from error
    if done.returncode != 0:
        output = _since(log, start) if log is not None else f"{done.stdout}\n{done.stderr}"
        raise LookoutError(f"{shown} failed with exit code {done.returncode}:\n{_tail(output)}", remedy or _see(log))
    return done.stdout or ""


def _since(log: Path, start: int) -> str:
    with log.open(errors="replace") as source:
        source.seek(start)
        return source.read()


def _tail(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:]) or "    (it printed nothing)"


def _see(log: Path | None) -> str | None:
    return f"the whole output is in {log}" if log is not None else None
