"""`lookout node`: the local cluster's nodes, without Pulumi."""

import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra import stackfile
from infra.node import lifecycle, record, sandbox, worker_spec
from infra.node.spec import Node, NodeSpec
from infra.node.status import Found, look
from lookout.environment import STACK
from lookout.errors import LookoutError
from lookout.steps import Steps
from lookout.tools import tool

app = typer.Typer(no_args_is_help=True, help="The embedded Kubernetes node under target local.")
Worker = Annotated[str, typer.Argument(metavar="WORKER", help="As `lookout node status` names it.")]
Name = Annotated[
    str | None, typer.Option("--name", help="Default: the node of the stack; $LOOKOUT_STACK names another.")
]


@app.command()
def up(name: Name = None) -> None:
    """Bring the node and its workers up: from nothing, after `down`, a reboot or a crash. Their state is kept."""
    spec = _spec(name)
    with Steps("node-up").step(f"Node {spec.name}") as step:
        lifecycle.create(spec, step.detail)


@app.command()
def down(name: Name = None) -> None:
    """Stop the node and its workers and keep their state; `lookout node up` brings them back."""
    spec = _spec(name)
    with Steps("node-down").step(f"Node {spec.name}") as step:
        stopped = lifecycle.stop(spec)
        step.done("" if stopped else "was not running")


@app.command()
def destroy(name: Name = None) -> None:
    """Remove the nodes and all their state but git and registry. `make down` does this too, through Pulumi."""
    spec = _spec(name)
    with Steps("node-destroy").step(f"Node {spec.name}"):
        lifecycle.destroy(spec)


@app.command("stop-worker")
def stop_worker(worker: Worker, name: Name = None) -> None:
    """Stop a worker at once, as a machine that loses power: its cable goes dead, then its processes end."""
    found = worker_spec.named(_spec(name), worker)
    with Steps("worker-stop").step(f"Worker {found.name}") as step:
        stopped = lifecycle.stop_worker(found)
        step.done("" if stopped else "was not running")


@app.command("start-worker")
def start_worker(worker: Worker, name: Name = None) -> None:
    """Bring a stopped worker back, with its state, and wait until its Node is Ready."""
    found = worker_spec.named(_spec(name), worker)
    with Steps("worker-start").step(f"Worker {found.name}") as step:
        lifecycle.start_worker(found, step.detail)


@app.command()
def status(name: Name = None, as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False) -> None:
    """Say which nodes run, what they use and where the doors are. Exit code 1 when the control plane is not ready."""
    found = look(_spec(name))
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        table = Table(show_header=False, box=None)
        rows = {
            "node": found.name,
            "state": found.state,
            "directory": str(found.directory),
            "cgroups": found.cgroup_layout,
            "first process": str(found.pid or "-"),
            "used": _used(found),
            **{f"worker {worker.name}": f"{worker.state}, {_used(worker)}" for worker in found.workers},
            **{f"door {door}": address for door, address in found.doors.items()},
        }
        for key, value in rows.items():
            table.add_row(key, value)
        Console().print(table)
    raise typer.Exit(0 if found.state == "ready" else 1)


@app.command()
def kubeconfig(name: Name = None, path: Annotated[bool, typer.Option(help="Print its path instead.")] = False) -> None:
    """Print the administrator's kubeconfig, to use or to merge. It is a secret."""
    spec = _spec(name)
    if not spec.kubeconfig.exists():
        raise LookoutError(f"node {spec.name} is not running", "run: lookout node up")
    print(spec.kubeconfig if path else spec.kubeconfig.read_text())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def shell(
    context: typer.Context,
    name: Name = None,
    worker: Annotated[str | None, typer.Option("--worker", help="Inside this worker instead.")] = None,
) -> None:
    """Open a shell inside the node, or run the command given after `--` there."""
    spec = _spec(name)
    node: Node = worker_spec.named(spec, worker) if worker else spec
    environment = [f"KUBECONFIG={spec.kubeconfig}", f"PATH={tool('kubectl').parent}:/usr/sbin:/usr/bin:/sbin:/bin"]
    command = sandbox.enter(node, ["env", *environment, *(context.args or ["bash", "--norc"])])
    sys.stdout.flush()
    os.execvp(command[0], command)  # noqa: S606  # the shell replaces this process on purpose


def _used(node: Found) -> str:
    if node.memory_bytes is None or node.cpu_s is None:
        return "nothing"
    return f"{node.memory_bytes / 2**30:.2f} GiB, {node.cpu_s:.0f} s of CPU"


def _spec(name: str | None) -> NodeSpec:
    """The node that is meant, as it was last brought up, or else as the stack's settings have it."""
    wanted = stackfile.settings(STACK).node
    if name is None or name == wanted.name:
        return record.read(wanted.name) or wanted
    known = record.read(name)
    if known is None:
        raise LookoutError(
            f"there is no node called {name}",
            "a second node belongs to a stack of its own: see Pulumi.local.example.yaml",
        )
    return known
