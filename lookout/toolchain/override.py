"""Tools the user already has: LOOKOUT_TOOL_<NAME> names an executable of the same version, used instead of ours."""

import difflib
import os
import re
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from lookout.errors import LookoutError
from lookout.toolchain.items import Item, Program

_PREFIX: Final = "LOOKOUT_TOOL_"
_ANSWER_TIMEOUT_S: Final = 30.0


def variable(name: str) -> str:
    """The environment variable for a tool: LOOKOUT_TOOL_KUBE_APISERVER for kube-apiserver."""
    return _PREFIX + name.upper().replace("-", "_")


def named(item: Item) -> Path | None:
    """The executable the environment names for this item, checked; None when it names none.

    LookoutError when it is not there, cannot be run, or is of another version than the project needs.
    """
    value = os.environ.get(variable(item.name), "") if isinstance(item, Program) else ""
    if not value or not isinstance(item, Program):
        return None
    what, remedy = f"${variable(item.name)}", f"unset {variable(item.name)} to use the one that is built"
    if not item.asked:
        raise LookoutError(f"{what}: {item.name} cannot be asked for its version, so none but ours is used", remedy)
    path = Path(value).expanduser()
    if not path.is_file():
        raise LookoutError(f"{what} names {value}, which is not there", remedy)
    if not os.access(path, os.X_OK):
        raise LookoutError(f"{what} names {value}, which is not executable", f"chmod +x it, or {remedy}")
    path = path.absolute()
    status = path.stat()
    answer = _answer(path, item.asked, status.st_mtime_ns, status.st_size)
    if not re.search(rf"(?<![\d.]){re.escape(item.bare_version)}(?![\d]|\.\d|-)", answer):
        said = repr(answer.strip().splitlines()[0][:120]) if answer.strip() else "nothing"
        raise LookoutError(f"{what} names {value}: version {item.bare_version} is needed, it says {said}", remedy)
    return path


def refuse_unknown(names: Iterable[str]) -> None:
    """LookoutError when the environment names a tool that does not exist, most likely a slip of the pen."""
    known = {variable(name) for name in names}
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise LookoutError(f"${name} names no tool", f"did you mean {close[0]}?" if close else f"unset {name}")


@cache
def _answer(path: Path, arguments: tuple[str, ...], mtime_ns: int, size: int) -> str:  # noqa: ARG001  # key of the cache
    try:
        done = subprocess.run(
            [path, *arguments], capture_output=True, text=True, check=False, timeout=_ANSWER_TIMEOUT_S, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LookoutError(f"cannot ask {path} for its version: {error}", "name another executable") from error
    return done.stdout + done.stderr
