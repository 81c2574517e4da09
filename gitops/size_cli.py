"""`lookout release size` and `check`: numbers from a measurement, and what contradicts it."""

import json
from typing import Annotated

import typer
from rich.console import Console

from gitops import size as sizing
from gitops.committing import current, finish
from gitops.repository import Repository
from lookout import contract
from lookout.errors import EXIT_FAILURE

_ORDER = ", ".join(contract.ENVIRONMENTS)


def size_command(
    environment: Annotated[str, typer.Argument(help=f"One of {_ORDER}.")],
    machine_type: Annotated[
        str | None, typer.Option(help="Whose measurement, where there are several of the release.")
    ] = None,
    machines: Annotated[
        int | None, typer.Option(min=1, help="How many of them its pods may fill. [default: as before, at first 1]")
    ] = None,
    push: Annotated[bool, typer.Option("--push", help="Push the commit: this is what releases it.")] = False,
) -> None:
    """Write an environment's autoscaler and concurrency limit from the capacity record of its release."""
    repository = current(push)
    finish(repository, sizing.size(repository, environment, machine_type=machine_type, machines=machines), push)


def check_command(
    environments: Annotated[list[str] | None, typer.Argument(help=f"Some of {_ORDER}; all if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
) -> None:
    """Hold scaling and settings in git against what was measured of each release, and images against nodes.

    An image is known to be its bento's for GPUs, or for CPUs, on the machine that built it.

    Exit codes: 0 nothing contradicts a measurement and no image is the wrong one, 1 something does or is.
    """
    found = sizing.check(Repository.open(), environments or contract.ENVIRONMENTS)
    if as_json:
        typer.echo(json.dumps([one.model_dump() for one in found], indent=2))
    else:
        for one in found:
            _show(Console(highlight=False), one)
    if any(one.wrong or one.image for one in found):
        raise typer.Exit(EXIT_FAILURE)


def _show(console: Console, finding: sizing.Finding) -> None:
    name = finding.environment
    if finding.image is not None:
        console.print(f"✗ {name}: {finding.image}", style="bold red", markup=False, soft_wrap=True)
        console.print("  → lookout release cut or promote: they name the other one", markup=False)
    if finding.record is None:
        console.print(f"{name}: its release was not measured; measure it: lookout load capacity --env {name}")
        return
    mark, style = ("✗", "bold red") if finding.wrong else ("✓", "bold green")
    console.print(f"{mark} {name}, by {finding.record}", style=style, markup=False, soft_wrap=True)
    for sentence in finding.wrong:
        console.print(f"    {sentence}", markup=False, soft_wrap=True)
    if finding.wrong:
        console.print(f"  → lookout release size {name}", markup=False)
