"""The cache of built tools: one directory for each family and recipe, one record beside each file.

An entry is named by what went into it, so a second clone of the same commit finds it, and a change of a version or a
flag never touches what another clone uses. A file counts as there when its record is there and its size is right;
`intact` reads the whole file.
"""

import hashlib
import os
import platform
import shutil
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from lookout import paths
from lookout.errors import LookoutError
from lookout.toolchain import gomod, programs
from lookout.toolchain.items import Item


class Record(BaseModel):
    """What was true of a file when it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size_bytes: int
    go: str
    """The compiler that made it, for example go1.26.1."""
    seconds: float


def root() -> Path:
    """The directory of all entries."""
    return paths.cache_dir() / "tools"


def entry(family: str) -> Path:
    """The family's directory, whether built or not."""
    return root() / f"{family}-{recipe(family)}"


def path(item: Item) -> Path:
    """Where the item is, or will be."""
    return entry(item.family) / item.location


@cache
def recipe(family: str) -> str:
    """Hash of everything that decides what the family's files are: sources, versions, flags, machine.

    The compiler's version is not part of it but recorded with each file: a newer Go makes nothing wrong.
    """
    digest = hashlib.sha256(platform.machine().encode())
    directory = gomod.family_dir(family)
    for source in sorted([directory / "go.mod", directory / "go.sum", *directory.rglob("*.go")]):
        try:
            content = source.read_bytes()
        except OSError as error:
            raise LookoutError(f"cannot read {source}: {error.strerror}", "restore the file from git") from error
        digest.update(f"{source.relative_to(directory)}\0{len(content)}\0".encode())
        digest.update(content)
    for item in programs.items():
        if item.family == family:
            digest.update(item.model_dump_json(exclude={"asked"}).encode())
    return digest.hexdigest()[:16]


def record(item: Item) -> Record | None:
    """The record of a file that is there, None when it has to be made (again)."""
    try:
        found = Record.model_validate_json(_record_path(item).read_bytes())
        return found if path(item).stat().st_size == found.size_bytes else None
    except (OSError, ValidationError):
        return None


def intact(item: Item) -> bool:
    """Whether the file is there and still what was recorded, byte for byte."""
    found = record(item)
    return found is not None and sha256(path(item)) == found.sha256


def put(item: Item, made: Path, go: str, seconds: float) -> Record:
    """Move a finished file of the same file system into its entry; its record comes last: nothing half-made counts."""
    os.chmod(made, 0o755 if item.executable else 0o644)  # noqa: PTH101  # as shutil.copy may have left it read-only
    new = Record(sha256=sha256(made), size_bytes=made.stat().st_size, go=go, seconds=round(seconds, 1))
    target, beside = path(item), _record_path(item)
    for parent in (target.parent, beside.parent):
        parent.mkdir(parents=True, exist_ok=True)
    beside.unlink(missing_ok=True)
    made.replace(target)
    temporary = beside.with_suffix(".tmp")
    temporary.write_text(new.model_dump_json(indent=2) + "\n")
    temporary.replace(beside)
    return new


def prune() -> dict[str, int]:
    """Remove the entries of other recipes than this clone's; bytes of each. The caller holds the cache's lock."""
    kept = {entry(family).name for family in gomod.FAMILIES}
    freed = {}
    for directory in sorted(root().glob("*-*")):
        if directory.is_dir() and directory.name not in kept:
            freed[directory.name] = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
            shutil.rmtree(directory)
    return freed


def sha256(file: Path) -> str:
    """Hexadecimal digest of a file's bytes."""
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _record_path(item: Item) -> Path:
    return entry(item.family) / "records" / f"{item.location}.json"
