"""`lookout tools`: which external programs the project uses, where each came from, and building them."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lookout import tools
from lookout.errors import LookoutError
from lookout.steps import Steps
from lookout.toolchain import builder, override, programs

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_MARKS = {"built": "✓", "yours": "✓", "missing": "·", "corrupt": "✗"}


@app.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Read every file and compare its sha256.")] = False,
) -> None:
    """Show the external programs: version, where each came from, whether it is there.

    Versions stand in tools/<family>/go.mod. A program you already have in the same version is used when
    LOOKOUT_TOOL_<NAME> names it, for example LOOKOUT_TOOL_KUBECTL=/usr/local/bin/kubectl.

    Ends with 1 when --verify finds a file that is missing or no longer what was built.
    """
    if context.invoked_subcommand is not None:
        return
    found = tools.versions(verify=verify)
    if as_json:
        typer.echo(json.dumps([info.model_dump(mode="json") for info in found], indent=2))
    else:
        Console().print(_table(found))
    unsound = [info.name for info in found if info.state in ("missing", "corrupt")]
    if verify and unsound:
        raise LookoutError(f"missing or corrupt: {', '.join(unsound)}", "run: lookout tools build --verify")


@app.command()
def build(
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every file first and make again what is no longer what was built.")
    ] = False,
) -> None:
    """Build what is missing, from pinned sources, into the cache outside the clone.

    From nothing this takes some 20 minutes on two cores and needs Go; interrupted, it goes on where it stopped.
    """
    override.refuse_unknown(program.name for program in programs.programs())
    steps = Steps("tools")
    with builder.session(lambda text: steps.console.print(text, markup=False), verify=verify) as session:
        for item in session.missing:
            with steps.step(f"{item.name} {item.bare_version}") as step:
                built = session.make(item)
                step.done(f"{built.size_bytes / 1e6:,.0f} MB")
        if not session.missing:
            steps.console.print("nothing to build: every tool is in the cache", markup=False)


@app.command()
def prune() -> None:
    """Remove from the cache what was built from other versions than this clone's."""
    freed = tools.prune()
    for name, size in freed.items():
        typer.echo(f"removed {name}, {size / 1e6:,.0f} MB")
    if not freed:
        typer.echo("nothing to remove")


def _table(found: list[tools.ToolInfo]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("", "tool", "version", "MB", "from"):
        table.add_column(column, justify="right" if column == "MB" else "left", overflow="fold")
    for info in found:
        size = f"{info.size_bytes / 1e6:,.1f}" if info.size_bytes is not None else ""
        note = {"missing": " (not built)", "corrupt": " (no longer what was built)"}.get(info.state, "")
        origin = info.source.removeprefix("built from ").removeprefix("from ")
        table.add_row(_MARKS[info.state], info.name, info.version, size, origin + note)
    return table
