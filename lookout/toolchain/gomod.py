"""What the go.mod of each family of tools says: versions are written there and nowhere else."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from lookout import paths
from lookout.errors import LookoutError

FAMILIES: Final = ("cluster", "pulumi", "pulumi-language", "pulumi-kubernetes", "prometheus-adapter")
"""One Go module of ours each, because some programs need versions of a library that others cannot stand."""


def family_dir(family: str) -> Path:
    """Where the family's go.mod, go.sum and own sources stand."""
    return paths.PROJECT_ROOT / "tools" / family


@cache
def module_version(family: str, module: str) -> str:
    """The version of `module` that the family's go.mod requires, for example v1.34.4."""
    found = re.search(rf"^\s*(?:require\s+)?{re.escape(module)} (v\S+)", _text(family), re.MULTILINE)
    if found is None:
        raise LookoutError(f"tools/{family}/go.mod does not require {module}", "restore the file from git")
    return found.group(1)


@cache
def go_needed(family: str) -> tuple[int, ...]:
    """The oldest Go that compiles the family, for example (1, 25, 11)."""
    found = re.search(r"^go (\d+(?:\.\d+)*)$", _text(family), re.MULTILINE)
    if found is None:
        raise LookoutError(f"tools/{family}/go.mod has no `go` line", "restore the file from git")
    return tuple(int(part) for part in found.group(1).split("."))


def _text(family: str) -> str:
    path = family_dir(family) / "go.mod"
    try:
        return path.read_text()
    except OSError as error:
        raise LookoutError(f"cannot read {path}: {error.strerror}", "restore the file from git") from error
