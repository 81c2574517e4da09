"""The Go compiler: whether it will do, where it keeps a module, and compiling one program."""

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from lookout import paths, process
from lookout.errors import LookoutError
from lookout.toolchain import gomod
from lookout.toolchain.items import Program

# go.sum is committed and complete: nothing may be added to it, and no other toolchain fetched, behind the user's back.
_ENVIRONMENT: Final = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}
_INSTALL: Final = "install it and put its bin directory first on PATH"

_REMEDIES: Final = (
    ("no space left on device", "free space, or move the caches with XDG_CACHE_HOME and GOCACHE; what is built stays"),
    ("signal: killed", "the compiler ran out of memory: close other programs or add swap; what is built stays"),
    ("checksum mismatch", "a downloaded module is not what go.sum pins: run `go clean -modcache` and repeat"),
    ("dial tcp", "check that Go can reach its module proxy (`go env GOPROXY`), then repeat; what is built stays"),
    ("proxyconnect", "check HTTPS_PROXY, then repeat; what is built stays"),
    ("i/o timeout", "the module proxy did not answer (`go env GOPROXY`): repeat; what is built stays"),
)  # fmt: skip


def log() -> Path:
    """Where the compiler's output goes."""
    return paths.log_dir() / "go-build.log"


def compiler(families: Iterable[str]) -> str:
    """The version of Go on PATH, for example go1.26.1; LookoutError when it is missing or older than a family needs."""
    needed = max(gomod.go_needed(family) for family in families)
    wanted = ".".join(str(part) for part in needed)
    if shutil.which("go") is None:
        raise LookoutError(
            f"Go is not on PATH; the tools are built from source and need Go {wanted} or newer", _INSTALL
        )
    text = process.run(["go", "env", "GOVERSION"], cwd=paths.PROJECT_ROOT, env=_ENVIRONMENT).strip()
    found = re.match(r"go(\d+(?:\.\d+)*)", text)
    if found is None:
        raise LookoutError(f"cannot tell which Go this is: go env GOVERSION says {text!r}", _INSTALL)
    if tuple(int(part) for part in found.group(1).split(".")) < needed:
        raise LookoutError(f"the tools need Go {wanted} or newer, on PATH is {text}", _INSTALL)
    return text


def cached_bytes() -> int:
    """How much Go's build cache holds: next to nothing on a new machine, some 10 GiB once every tool was built."""
    cache = process.run(["go", "env", "GOCACHE"], cwd=paths.PROJECT_ROOT, env=_ENVIRONMENT).strip()
    total = 0
    for file in Path(cache).glob("??/*"):
        with suppress(OSError):  # Go trims its cache whenever it likes
            total += file.stat().st_size
    return total


def module_dir(family: str, module: str) -> Path:
    """Directory of a module's sources at the version the family pins; downloaded and checked if it is not there."""
    with _explained(f"read the sources of {module}"):
        output = process.run(["go", "mod", "download", "-json", module], cwd=gomod.family_dir(family), env=_ENVIRONMENT)
    return Path(json.loads(output)["Dir"])


def compile_program(program: Program, target: Path, scratch: Path) -> None:
    """Compile the program to `target`; `scratch` is a directory for what is generated on the way."""
    overlay = ["-overlay", str(_overlay(program, scratch))] if program.embeds else []
    command = ["go", "build", *program.flags(), *overlay, "-o", str(target), program.package]
    # Go's intermediate files go there too: /tmp may be small, and an interrupt must not leave them behind.
    environment = _ENVIRONMENT | {"GOTMPDIR": str(scratch)}
    with _explained(f"compile {program.name}"):
        process.run(command, cwd=gomod.family_dir(program.family), env=environment, log=log())


def _overlay(program: Program, scratch: Path) -> Path:
    """Show the compiler generated files beside our main without writing into the clone (go build -overlay)."""
    sources = module_dir(program.family, program.module)
    replace = {}
    for embed in program.embeds:
        content = json.loads((sources / embed.source).read_bytes()) | embed.overrides
        generated = scratch / embed.file
        generated.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")))
        replace[str(gomod.family_dir(program.family) / program.package / embed.file)] = str(generated)
    overlay = scratch / "overlay.json"
    overlay.write_text(json.dumps({"Replace": replace}))
    return overlay


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Say in one line what a known symptom means; otherwise show the end of what Go said."""
    try:
        yield
    except LookoutError as error:
        said = error.message.partition("\n")[2] or error.message
        for symptom, remedy in _REMEDIES:
            if symptom in said:
                raise LookoutError(f"cannot {what}: {symptom}", f"{remedy} (log: {log()})") from error
        raise LookoutError(f"cannot {what}:\n{said}", error.remedy) from error
