"""What a build makes: executables compiled from a Go module, and files taken from one as they are."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from lookout.toolchain import gomod

OURS: Final = "lookout/tools"
"""Module path before the family's name, for programs whose whole source is ours."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(_Frozen):
    """One file in the cache. `file` is its path in the module's directory, empty for what is compiled."""

    name: str
    family: str
    module: str
    version: str
    file: str = ""
    executable: bool = True

    @property
    def bare_version(self) -> str:
        """The version without a leading v, as most programs print it."""
        return self.version.removeprefix("v")

    @property
    def location(self) -> str:
        """Path of the file inside its family's cache entry."""
        return f"bin/{self.name}" if self.executable else f"assets/{self.name}"

    @property
    def origin(self) -> str:
        """Where it comes from: a module at a version, or this project's own directory."""
        if self.module.startswith(OURS):
            return f"tools/{self.family}"
        return f"{self.module}@{gomod.module_version(self.family, self.module)}"


class Embed(_Frozen):
    """A JSON file of the module, put beside our main, changed as `overrides` say, for the compiler to embed."""

    file: str
    source: str
    overrides: dict[str, str] = {}


class Program(Item):
    """An executable. `package` is what the compiler is given; without one, `file` is copied."""

    package: str = ""
    stamps: dict[str, str] = {}
    """Go variables the linker sets, as upstream's own release builds do."""
    tags: tuple[str, ...] = ()
    embeds: tuple[Embed, ...] = ()
    asked: tuple[str, ...] = ()
    """The arguments with which it says its version; empty when it cannot be asked."""

    def flags(self) -> list[str]:
        """The flags of `go build` that make this program what it is."""
        linker = " ".join(["-s -w", *(f"-X {name}={value}" for name, value in sorted(self.stamps.items()))])
        tags = ["-tags", ",".join(self.tags)] if self.tags else []
        return ["-trimpath", "-buildvcs=false", *tags, "-ldflags", linker]


class Asset(Item):
    """A data file of a pinned module, kept with the programs so that nothing needs Go's module cache later."""

    executable: bool = False
