"""`lookout licences`: the third-party licences, read from what is installed here."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import typer

from lookout import debian, licences, paths, process, tools
from lookout.errors import LookoutError
from lookout.licences import Used

_INTRODUCTION: Final = """\
# Third-party licences

Written by `lookout licences --output docs/third-party-licences.md`; do not edit. Nothing below is part of this
repository: it is fetched, built or installed on the machine that runs Lookout. The project itself is Apache-2.0.

A licence is what the distribution's metadata states or what the text of its licence file was recognised as;
`unknown` means that neither told. It is no legal advice.
"""
_DEBIAN: Final = """\
Installed on the host by `make up`, with every licence that a file of the package is under; the full terms are in
`/usr/share/doc/<package>/copyright`. The images stand on a minimal Debian with a few packages more; their copyright
files are kept inside them, at the same place, and not repeated here.
"""


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def show(
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
) -> None:
    """List the licences of everything used: Python distributions, Go modules, the model, Debian packages.

    Needs the Python environment of requirements/lookout.txt, the built tools and Go.
    Exit codes: 0 done, 1 something of this is missing, 64 wrong usage.
    """
    text = _document()
    if output is None:
        typer.echo(text)
        return
    if not output.parent.is_dir():
        raise LookoutError(f"there is no directory {output.parent}", f"make it: mkdir -p {output.parent}")
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".licences-") as scratch:
        written = Path(scratch) / output.name
        written.write_text(text)
        written.replace(output)


def table(used: Iterable[Used]) -> str:
    """A Markdown table."""
    rows = "".join(f"| {name} | {version} | {licence.replace('|', '/')} |\n" for name, version, licence in used)
    return f"| name | version | licence |\n|---|---|---|\n{rows}"


def _document() -> str:
    requirements = paths.PROJECT_ROOT / "requirements"
    image = licences.python_distributions(requirements / "service.txt")
    here = [used for used in licences.python_distributions(requirements / "lookout.txt") if used not in image]
    return "\n".join(
        (
            _INTRODUCTION,
            f"## The detector's image: Python distributions\n\n{table(image)}",
            f"## The workstation only: Python distributions\n\n{table(here)}",
            f"## The model\n\n{table(_models())}",
            f"## Programs built from Go modules\n\n{_programs()}",
            f"## Debian packages\n\n{_DEBIAN}\n{table(licences.debian_packages(debian.PROGRAMS))}",
        )
    )


def _models() -> list[Used]:
    from service.model import card  # late: `lookout --help` must not read model cards

    cards = [card.load(name) for name in card.names()]
    # An npm package has a version, an archive by URL has only its sha256, which its card states.
    return [Used(model.name, getattr(model.source, "version", "by sha256"), model.licence) for model in cards]


def _programs() -> str:
    built = [info for info in tools.versions() if info.state == "built"]
    absent = [info.name for info in tools.versions() if info.state != "built"]
    if not built:
        raise LookoutError("no tool is built, so there is nothing to read modules from", "run: make tools")
    cache = Path(process.run(["go", "env", "GOMODCACHE"]).strip())
    modules = table(licences.go_modules(_executables(built), cache))
    names = ", ".join(f"{info.name} {info.version}" for info in built)
    note = (
        f"\nNot built on the machine that wrote this list, so not looked into: {', '.join(absent)}.\n" if absent else ""
    )
    return f"Programs: {names}.\n{note}\nModules linked into them:\n\n{modules}"


def _executables(built: list[tools.ToolInfo]) -> list[Path]:
    # Two of Pulumi's programs are scripts: they are part of a module that another program brings.
    return [info.path for info in built if info.path.read_bytes()[:4] == b"\x7fELF"]
