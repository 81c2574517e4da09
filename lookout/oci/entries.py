"""What a layer is made of, as data: files and trees of the host, links, directories and small texts."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lookout.errors import LookoutError


def _absolute(path: str) -> str:
    pure = PurePosixPath(path)
    if not pure.is_absolute() or ".." in pure.parts or str(pure) != path or path == "/":
        raise ValueError(f"{path!r} must be an absolute path without '..' or a trailing slash")
    return path


Target = Annotated[str, AfterValidator(_absolute)]
"""Absolute path in the image."""
Owner = Annotated[int, Field(ge=0, le=65534)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Entry):
    """One file of the host; mode 0755 when its owner may execute it, else 0644."""

    source: Path
    target: Target
    owner: Owner = 0


class Tree(_Entry):
    """A directory of the host with all below it; names that match a pattern of `exclude` are left out."""

    source: Path
    target: Target
    exclude: tuple[str, ...] = ()
    owner: Owner = 0


class Link(_Entry):
    """A symbolic link at `target` that points to `to`."""

    target: Target
    to: str


class Directory(_Entry):
    """An empty directory; `mode` in octal text, as in `0755`. Its group is its owner's."""

    target: Target
    mode: Annotated[str, Field(pattern=r"^[01][0-7]{3}$")] = "0755"
    owner: Owner = 0


class Text(_Entry):
    """A small file with this content."""

    target: Target
    content: str
    owner: Owner = 0


Entry = File | Tree | Link | Directory | Text


class Item(BaseModel):
    """One member of a layer's archive, ready to be written."""

    model_config = ConfigDict(frozen=True)

    target: str
    kind: str
    """`file`, `directory` or `link`."""
    mode: int = 0o755
    owner: int = 0
    source: Path | None = None
    content: bytes = b""
    to: str = ""


def items(entries: Sequence[Entry]) -> list[Item]:
    """Every member of the layer, parents first, sorted by path. LookoutError when two entries claim one path."""
    found: dict[str, Item] = {}
    for entry in entries:
        for item in _expand(entry):
            other = found.get(item.target)
            if other is not None and not (item == other and item.kind == "directory"):
                raise LookoutError(f"two entries of one layer claim {item.target}")
            found[item.target] = item
    for target in list(found):
        for parent in PurePosixPath(target).parents:
            if str(parent) != "/":
                found.setdefault(str(parent), Item(target=str(parent), kind="directory"))
    return sorted(found.values(), key=lambda item: PurePosixPath(item.target).parts)


def _expand(entry: Entry) -> Iterator[Item]:
    match entry:
        case File():
            yield _host_file(entry.source, entry.target, entry.owner)
        case Tree():
            yield from _tree(entry)
        case Link():
            yield Item(target=entry.target, kind="link", mode=0o777, to=entry.to)
        case Directory():
            yield Item(target=entry.target, kind="directory", mode=int(entry.mode, 8), owner=entry.owner)
        case Text():
            content = entry.content.encode()
            yield Item(target=entry.target, kind="file", mode=0o644, owner=entry.owner, content=content)


def _tree(entry: Tree) -> Iterator[Item]:
    if not entry.source.is_dir():
        raise LookoutError(f"{entry.source} is not a directory: nothing to put at {entry.target} of the image")
    yield Item(target=entry.target, kind="directory", owner=entry.owner)
    pending = [entry.source]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            relative = path.relative_to(entry.source)
            if any(path.match(pattern) for pattern in entry.exclude):
                continue
            target = f"{entry.target}/{relative.as_posix()}"
            if path.is_symlink():
                yield Item(target=target, kind="link", mode=0o777, owner=entry.owner, to=str(path.readlink()))
            elif path.is_dir():
                yield Item(target=target, kind="directory", owner=entry.owner)
                pending.append(path)
            else:
                yield _host_file(path, target, entry.owner)


def _host_file(source: Path, target: str, owner: int) -> Item:
    if not source.is_file():
        raise LookoutError(f"{source} is not a file: nothing to put at {target} of the image")
    mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
    return Item(target=target, kind="file", mode=mode, owner=owner, source=source)
