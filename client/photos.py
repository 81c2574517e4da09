"""Which photos a person means by files and folders, and where their annotated copies go."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lookout.errors import UsageError

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_JPEG: Final = frozenset({".jpg", ".jpeg"})


@dataclass(frozen=True)
class Chosen:
    """One photo to look at."""

    path: Path
    name: Path
    """Its path below the folder that was named, or its file name alone."""


def choose(named: Sequence[Path]) -> list[Chosen]:
    """The photos meant: files as they are, of folders everything below with an image's suffix, in order of name.

    UsageError for what does not exist or may not be entered, and when nothing is left.
    """
    found: dict[Path, Chosen] = {}
    for path in named:
        try:
            found |= {one.path: one for one in _meant(path)}
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}", "name photos, or folders") from error
    if not found:
        folders = ", ".join(str(path) for path in named)
        raise UsageError(f"no photo in {folders}", f"photos end in {', '.join(sorted(SUFFIXES))}")
    return list(found.values())


def _meant(path: Path) -> list[Chosen]:
    if path.is_dir():
        below = sorted(one for one in path.rglob("*") if one.suffix.lower() in SUFFIXES and one.is_file())
        return [Chosen(one, one.relative_to(path)) for one in below]
    if path.exists():
        return [Chosen(path, Path(path.name))]
    raise UsageError(f"there is no {path}", "name photos, or folders of photos")


def annotated(chosen: Sequence[Chosen], out: Path) -> list[Path]:
    """Where each photo's annotated JPEG goes: `out` itself for a single photo when it names a JPEG, else below it.

    UsageError when two would be written to one place, or one over a photo.
    """
    if out.suffix.lower() in _JPEG and not out.is_dir():
        if len(chosen) != 1:
            raise UsageError(f"{len(chosen)} photos do not fit one file {out}", "name a folder: --out FOLDER")
        targets = [out]
    else:
        targets = [out / _as_jpeg(one.name) for one in chosen]
    sources = {one.path.resolve() for one in chosen}
    for target in targets:
        if target.resolve() in sources:
            raise UsageError(f"{target} is a photo itself", "choose another --out")
    if len(set(targets)) != len(targets):
        twice = next(target for target in targets if targets.count(target) > 1)
        raise UsageError(f"two photos would be written to {twice}", "look at them one by one")
    return targets


def _as_jpeg(name: Path) -> Path:
    return name if name.suffix.lower() in _JPEG else name.with_name(f"{name.name}.jpg")
