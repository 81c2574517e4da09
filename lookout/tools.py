"""The external programs, built from pinned sources into a cache outside the clone.

    tools.tool("kubectl")                        path of the executable
    tools.version("etcd")                        "3.6.5", from tools/cluster/go.mod
    tools.asset("argocd/core-install.yaml")      a data file of a pinned module
    tools.pulumi_bin_dir(), tools.pulumi_home()  what PATH and PULUMI_HOME must say
    tools.build()                                make what is missing

Only `build` needs Go; everything else reads a few small files.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from lookout import paths
from lookout.errors import LookoutError
from lookout.toolchain import builder, override, programs, store
from lookout.toolchain.builder import Built
from lookout.toolchain.items import Item

__all__ = [
    "Built",
    "ToolInfo",
    "asset",
    "build",
    "prune",
    "pulumi_bin_dir",
    "pulumi_home",
    "tool",
    "version",
    "versions",
]

_REMEDY: Final = "run: make tools"
_BESIDE_PULUMI: Final = (
    "pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python",
)  # fmt: skip


class ToolInfo(BaseModel):
    """One program: where it came from and whether it is there. `state` is `corrupt` only when asked to verify."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    state: Literal["built", "yours", "missing", "corrupt"]
    source: str
    path: Path
    sha256: str | None = None
    size_bytes: int | None = None
    go: str | None = None
    build_seconds: float | None = None


def tool(name: str) -> Path:
    """The executable called `name`: the one $LOOKOUT_TOOL_<NAME> names, or the one built here.

    LookoutError when the name is unknown, the named one does not fit, or it has not been built.
    """
    program = programs.program(name)
    return override.named(program) or _built(program)


def version(name: str) -> str:
    """The version of a program without a leading v, for example 1.34.4; it need not have been built."""
    return programs.program(name).bare_version


def asset(name: str) -> Path:
    """A data file of a pinned module, for example argocd/core-install.yaml. LookoutError when it has not been built."""
    return _built(programs.asset(name))


def build(progress: Callable[[str], None] | None = None, *, verify: bool = False) -> list[Built]:
    """Make what is missing from the cache, and say what is being made. Returns what was made, empty when nothing was.

    `verify` reads every file first and makes again what is no longer what was recorded. LookoutError when Go is missing
    or too old, the disk is full, or a program does not compile; what was finished before stays.
    """
    say = progress or (lambda _: None)
    override.refuse_unknown(program.name for program in programs.programs())
    if not verify and not builder.missing():
        return []
    made = []
    with builder.session(say, verify=verify) as session:
        for number, item in enumerate(session.missing, 1):
            say(f"{item.name} {item.bare_version} ({number} of {len(session.missing)})")
            made.append(session.make(item))
    return made


def prune() -> dict[str, int]:
    """Remove what was built from other versions than this clone's; bytes freed by each directory removed."""
    with builder.session(lambda _: None):
        return store.prune()


def pulumi_home() -> Path:
    """A directory for PULUMI_HOME in which Pulumi finds its Kubernetes provider without asking anybody."""
    home = paths.cache_dir() / "pulumi-home"
    plugin = home / "plugins" / f"resource-kubernetes-v{version(programs.PROVIDER)}" / programs.PROVIDER
    _link(plugin, tool(programs.PROVIDER))
    return home


def pulumi_bin_dir() -> Path:
    """A directory for PATH with the command line and its Python language host, which look beside each other."""
    directory = paths.cache_dir() / "pulumi-home" / "bin"
    for name in _BESIDE_PULUMI:
        _link(directory / name, tool(name))
    return directory


def versions(*, verify: bool = False) -> list[ToolInfo]:
    """Every program with version, origin and state. `verify` reads each file whole and compares its sha256."""
    override.refuse_unknown(program.name for program in programs.programs())
    return [_describe(program, verify=verify) for program in programs.programs()]


def _describe(item: Item, *, verify: bool) -> ToolInfo:
    yours = override.named(item)
    if yours:
        return ToolInfo(
            name=item.name,
            version=item.bare_version,
            state="yours",
            source=f"from ${override.variable(item.name)}",
            path=yours,
            sha256=store.sha256(yours) if verify else None,
            size_bytes=yours.stat().st_size,
        )
    record = store.record(item)
    sound = store.intact(item) if verify else record is not None
    return ToolInfo(
        name=item.name,
        version=item.bare_version,
        state="missing" if record is None else "built" if sound else "corrupt",
        source=f"built from {item.origin}",
        path=store.path(item),
        sha256=record.sha256 if record else None,
        size_bytes=record.size_bytes if record else None,
        go=record.go if record else None,
        build_seconds=record.seconds if record else None,
    )


def _built(item: Item) -> Path:
    if store.record(item) is None:
        there = store.path(item).exists()
        raise LookoutError(f"{item.name} {item.bare_version} {'is damaged' if there else 'is not built'}", _REMEDY)
    return store.path(item)


def _link(link: Path, target: Path) -> None:
    """Make `link` the same file as `target`. A hard link, since Pulumi looks beside the real path of what runs."""
    if link.exists() and link.samefile(target):
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=link.parent, prefix=".") as scratch:
        new = Path(scratch) / link.name
        try:
            os.link(target, new)
        except OSError:  # another file system, or one without hard links
            new.symlink_to(target)
        new.replace(link)
