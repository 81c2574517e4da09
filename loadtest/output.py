"""Where results go, and whether they can, before any load is made."""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Final

from lookout import paths
from lookout.errors import LookoutError, UsageError

REPORTS: Final = paths.PROJECT_ROOT / "reports"


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
    """Make the directories of `outputs` and prove that files can be written there; UsageError says why not."""
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise UsageError(f"--json and --html both name {outputs[0]}", "give each a file of its own")
    for path in outputs:
        if path.is_dir():
            raise UsageError(f"{path} is a directory", "name a file")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path.parent):
                pass
        except OSError as error:
            raise UsageError(
                f"cannot write {path}: {error.strerror}", "choose a place with --json and --html"
            ) from error
