"""Running external programs: their output goes to a log or is returned, their failure becomes a LookoutError."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from lookout.errors import LookoutError

_TAIL_LINES: Final = 12
_CLEAN_UP_WITHIN_S: Final = 10.0


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
    start = 0
    try:
        if log is None:
            code, output, complaints = _communicate(words, cwd, env, input_text, timeout_s, subprocess.PIPE)
        else:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a") as sink:
                sink.write(f"$ {shlex.join(words)}\n")
                sink.flush()
                start = sink.tell()
                code, output, complaints = _communicate(words, cwd, env, input_text, timeout_s, sink)
    except FileNotFoundError as error:
        raise LookoutError(f"cannot run {words[0]}: {error.strerror}", remedy) from error
    except subprocess.TimeoutExpired as error:
        raise LookoutError(f"{shown} did not end within {timeout_s:g} s", remedy or _see(log)) from error
    if code != 0:
        said = _since(log, start) if log is not None else f"{output}\n{complaints}"
        raise LookoutError(f"{shown} failed with exit code {code}:\n{_tail(said)}", remedy or _see(log))
    return output


def _communicate(
    words: list[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    input_text: str | None,
    timeout_s: float | None,
    sink: int | IO[str],
) -> tuple[int, str, str]:
    """Exit code, output, errors. On Ctrl-C the program, which got the signal too, may clean up before it is killed."""
    with subprocess.Popen(
        words,
        cwd=cwd,
        env={**os.environ, **env} if env is not None else None,
        stdin=subprocess.DEVNULL if input_text is None else subprocess.PIPE,
        stdout=sink,
        stderr=subprocess.PIPE if sink == subprocess.PIPE else subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            output, complaints = running.communicate(input_text, timeout_s)
        except subprocess.TimeoutExpired:
            running.kill()
            raise
        except KeyboardInterrupt:
            try:
                running.wait(_CLEAN_UP_WITHIN_S)
            except subprocess.TimeoutExpired:
                running.kill()
            raise
    return running.returncode, output or "", complaints or ""


def _since(log: Path, start: int) -> str:
    with log.open(errors="replace") as source:
        source.seek(start)
        return source.read()


def _tail(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:]) or "    (it printed nothing)"


def _see(log: Path | None) -> str | None:
    return f"the whole output is in {log}" if log is not None else None
