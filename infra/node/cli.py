"""`lookout node`: the embedded Kubernetes node, without Pulumi."""

import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.node import lifecycle, sandbox
from infra.node.spec import NodeSpec
from lookout.errors import LookoutError
from lookout.steps import Steps
from lookout.tools import tool

app = typer.Typer(no_args_is_help=True, help="The embedded Kubernetes node under target local.")
Name = Annotated[str, typer.Option("--name", help="Which node, where there are several.")]


@app.command()
def up(name: Name = "lookout") -> None:
    """Bring the node up: from nothing, after `down`, after a reboot or a crash. Its state is kept."""
    spec = lifecycle.recorded_spec(name) or NodeSpec(name=name)
    with Steps(f"node-up-{name}").step(f"Node {name}") as step:
        lifecycle.create(spec, step.detail)


@app.command()
def down(name: Name = "lookout") -> None:
    """Stop the node and keep its state; `lookout node up` brings it back."""
    with Steps(f"node-down-{name}").step(f"Node {name}") as step:
        stopped = lifecycle.stop(lifecycle.recorded_spec(name) or NodeSpec(name=name))
        step.done("" if stopped else "was not running")


@app.command()
def destroy(name: Name = "lookout") -> None:
    """Remove the node and all its state but the git repository. `make down` does this too, through Pulumi."""
    with Steps(f"node-destroy-{name}").step(f"Node {name}"):
        lifecycle.destroy(lifecycle.recorded_spec(name) or NodeSpec(name=name))


@app.command()
def status(
    name: Name = "lookout", as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False
) -> None:
    """Say whether the node runs, what it uses and where its doors are. Exit code 1 when it is not ready."""
    found = lifecycle.status(lifecycle.recorded_spec(name) or NodeSpec(name=name))
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        table = Table(show_header=False, box=None)
        memory = f"{found.memory_bytes / 2**30:.2f} GiB" if found.memory_bytes is not None else "-"
        rows = {
            "node": found.name,
            "state": found.state,
            "directory": str(found.directory),
            "cgroups": found.cgroup_layout,
            "first process": str(found.pid or "-"),
            "memory": memory,
            "CPU time": f"{found.cpu_s:.0f} s" if found.cpu_s is not None else "-",
            **{f"door {door}": address for door, address in found.doors.items()},
        }
        for key, value in rows.items():
            table.add_row(key, value)
        Console().print(table)
    raise typer.Exit(0 if found.state == "ready" else 1)


@app.command()
def kubeconfig(
    name: Name = "lookout", path: Annotated[bool, typer.Option(help="Print its path instead.")] = False
) -> None:
    """Print the administrator's kubeconfig, to use or to merge. It is a secret."""
    spec = lifecycle.recorded_spec(name) or NodeSpec(name=name)
    if not spec.kubeconfig.exists():
        raise LookoutError(f"node {name} is not running", "run: lookout node up")
    print(spec.kubeconfig if path else spec.kubeconfig.read_text())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def shell(context: typer.Context, name: Name = "lookout") -> None:
    """Open a shell inside the node, or run the command given after `--` there."""
    spec = lifecycle.recorded_spec(name) or NodeSpec(name=name)
    environment = [f"KUBECONFIG={spec.kubeconfig}", f"PATH={tool('kubectl').parent}:/usr/sbin:/usr/bin:/sbin:/bin"]
    command = sandbox.enter(spec, ["env", *environment, *(context.args or ["bash", "--norc"])])
    sys.stdout.flush()
    os.execvp(command[0], command)  # noqa: S606  # the shell replaces this process on purpose
