"""The project's own files that a module needs, found by reading imports: an image then holds those and no others."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from lookout import paths

_PACKAGES: Final = ("lookout", "loadtest", "service")
"""Those an image may hold. What asks a cluster or a repository imports the other rooms late, and never inside a pod."""


def closure(modules: Sequence[str], root: Path = paths.PROJECT_ROOT) -> dict[str, Path]:
    """Files of `modules` (dotted names), of all project modules they import, and of the packages around them.

    Keys are paths below the clone, sorted. Imports inside functions count too: a run may get there. FileNotFoundError
    for a module that does not exist.
    """
    found: dict[str, Path] = {}
    pending = list(modules)
    while pending:
        name = pending.pop()
        file = _file(name, root)
        key = file.relative_to(root).as_posix()
        if key in found:
            continue
        found[key] = file
        pending += [parent for parent in _parents(name) if _is_module(parent, root)]
        pending += [other for other in imported(file) if other.split(".")[0] in _PACKAGES and _is_module(other, root)]
    return dict(sorted(found.items()))


def imported(file: Path, *, lazily: bool = True) -> Iterator[str]:
    """Dotted names a file imports; `from a import b` gives both a and a.b. Without `lazily`, only at its top level."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree) if lazily else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _is_module(name: str, root: Path) -> bool:
    base = root / name.replace(".", "/")
    return base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()


def _file(name: str, root: Path) -> Path:
    base = root / name.replace(".", "/")
    package = base / "__init__.py"
    if package.is_file():
        return package
    if not base.with_suffix(".py").is_file():
        raise FileNotFoundError(f"no module {name} below {root}")
    return base.with_suffix(".py")
