"""Where results go, whether they can, before any load is made, and how they get there: whole or not at all."""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Final

from lookout import paths
from lookout.errors import LookoutError, UsageError
from lookout.files import write_whole

REPORTS: Final = paths.PROJECT_ROOT / "reports"
_REMEDY: Final = "choose another place with --json and --html"


def default_paths(now: datetime) -> tuple[Path, Path]:
    """JSON and HTML of a run that starts now; git ignores their directory."""
    stem = REPORTS / f"load-{now:%Y%m%dT%H%M%SZ}"
    return stem.with_suffix(".json"), stem.with_suffix(".html")


def latest_result(directory: Path = REPORTS) -> Path:
    """The newest result among those with a default name. LookoutError when there is none."""
    results = sorted(directory.glob("load-*Z.json"))
    if not results:
        raise LookoutError(f"no load result in {directory}", "make one with: lookout load run")
    return results[-1]


def check_writable(*outputs: Path) -> None:
    """Prove that `outputs` can be written, and leave no trace of having looked; UsageError says why not."""
    for path in outputs:
        if sum(path.resolve() == other.resolve() for other in outputs) > 1:
            raise UsageError(f"{path} is named for two outputs", "give each a file of its own")
        if path.is_dir():
            raise UsageError(f"{path} is a directory", "name a file")
        existing = next(parent for parent in path.absolute().parents if parent.exists())
        try:
            with tempfile.TemporaryFile(dir=existing):
                pass
        except OSError as error:
            raise UsageError(f"cannot write {path}: {existing}: {error.strerror}", _REMEDY) from error


def write_output(path: Path, text: str) -> None:
    """Write a result or report whole, in a directory that is made where missing. LookoutError when it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        raise LookoutError(f"cannot write {path}: {error.strerror}", _REMEDY) from error
