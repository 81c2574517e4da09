"""A stand-in for the Go compiler, so that the rules of building are tested without compiling for twenty minutes."""

import json
from pathlib import Path

import pytest

from lookout.toolchain import programs

_GO = """#!/bin/sh
here=$(dirname "$0")
echo "$@" >> "$here/calls"
env > "$here/environment"
case "$1" in
env) [ "$2" = GOCACHE ] && echo "$here/go-cache" || cat "$here/version" ;;
mod) printf '{"Dir": "%s"}' "$here/module" ;;
build)
    while [ $# -gt 1 ]; do
        case "$1" in
        -o) out=$2 ;;
        -overlay) cp "$2" "$here/overlay.json"; cp "$(dirname "$2")/schema.json" "$here/schema.json" ;;
        esac
        shift
    done
    if [ -e "$here/breaks-on" ] && grep -qxF "$1" "$here/breaks-on"; then
        printf half > "$out"
        cat "$here/says" >&2
        exit 1
    fi
    printf '#!/bin/sh\\necho %s\\n' "$1" > "$out"
    ;;
esac
"""


class FakeGo:
    """`calls` are the argument lists it was given; it breaks on the package it was told to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "go").write_text(_GO)
        (directory / "go").chmod(0o755)
        self.is_version("go1.99.1")
        for item in programs.items():
            files = [embed.source for embed in getattr(item, "embeds", ())] + ([item.file] if item.file else [])
            for file in files:
                path = directory / "module" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps({"version": "unset", "name": item.name}, indent=4))

    def is_version(self, version: str) -> None:
        (self.directory / "version").write_text(version + "\n")

    def breaks_on(self, package: str, says: str) -> None:
        (self.directory / "breaks-on").write_text(package + "\n")
        (self.directory / "says").write_text(says + "\n")

    def is_mended(self) -> None:
        (self.directory / "breaks-on").unlink()

    @property
    def calls(self) -> list[str]:
        path = self.directory / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def compiled(self) -> list[str]:
        """The packages it was asked to compile, in order."""
        return [call.split()[-1] for call in self.calls if call.startswith("build ")]

    def forget(self) -> None:
        (self.directory / "calls").unlink(missing_ok=True)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and state of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "cache" / "lookout" / "tools"


@pytest.fixture
def fake_go(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGo:  # noqa: ARG001  # wants its own cache
    """The stand-in, first on PATH."""
    directory = tmp_path / "fake-go"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    return FakeGo(directory)
