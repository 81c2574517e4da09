"""Running git: one place for its environment, its identity and its errors."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from lookout.errors import LookoutError

FALLBACK_NAME: Final = "Lookout"
FALLBACK_EMAIL: Final = "lookout@localhost"

# A caller's hook exports these, and git would then work on the wrong repository.
_INHERITED: Final = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"})


class Result(NamedTuple):
    """What a git command printed, and its exit code."""

    stdout: str
    stderr: str
    code: int


def git(
    directory: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    input_text: str | None = None,
    remedy: str | None = None,
    timeout_s: float | None = None,
) -> str:
    """Run git in `directory` and return its standard output without the last newline.

    LookoutError with what git said when it fails.
    """
    done = attempt(directory, *arguments, env=env, input_text=input_text, timeout_s=timeout_s)
    if done.code != 0:
        said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.code}"
        raise LookoutError(f"git {arguments[0]} failed in {directory}: {said}", remedy)
    return done.stdout.removesuffix("\n")


def attempt(
    directory: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    input_text: str | None = None,
    timeout_s: float | None = None,
) -> Result:
    """Run git in `directory`, whatever its exit code. A timeout counts as exit code 124."""
    clean = {key: value for key, value in os.environ.items() if key not in _INHERITED}
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            input=input_text,
            env={**clean, "LC_ALL": "C.UTF-8", **(env or {})},
            timeout=timeout_s,
        )
    except FileNotFoundError as error:
        raise LookoutError("git is not installed, or not on PATH", "install git") from error
    except subprocess.TimeoutExpired:
        return Result("", f"no answer within {timeout_s:g} s", 124)
    return Result(done.stdout, done.stderr, done.returncode)


def identity(directory: Path) -> Sequence[str]:
    """`-c` options that name a committer, as far as the user has not done so."""
    options: list[str] = []
    for key, fallback in (("name", FALLBACK_NAME), ("email", FALLBACK_EMAIL)):
        from_environment = all(f"GIT_{role}_{key.upper()}" in os.environ for role in ("AUTHOR", "COMMITTER"))
        if not from_environment and attempt(directory, "config", f"user.{key}").code != 0:
            options += ["-c", f"user.{key}={fallback}"]
    return options
