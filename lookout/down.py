"""`lookout down`: remove the runtime and keep git and caches; `--purge` removes everything."""

import shutil
from typing import Annotated

import typer

from infra import stack, stackfile
from infra.node import lifecycle, record
from infra.node.spec import NodeSpec
from infra.stacklock import StackBusyError
from lookout import paths
from lookout.environment import STACK
from lookout.errors import LookoutError
from lookout.exclusive import only_one
from lookout.priority import ahead_of_others
from lookout.steps import Step, Steps

app = typer.Typer(help="Take the runtime down; git repository and caches stay. --purge removes all.")


@app.callback(invoke_without_command=True)
def down(
    purge: Annotated[
        bool, typer.Option("--purge", help="Also remove caches, git repository, deploy/ and stack.")
    ] = False,
) -> None:
    """Run `pulumi destroy` on stack local, then tear down whatever a crash may have left. Safe to repeat."""
    with only_one(), ahead_of_others():  # beside other work it took 28 s once, and 15 are promised
        steps = Steps("down")
        spec = _node()
        with steps.step("Cluster (pulumi destroy)") as step:
            _destroy_stack(step, spec)
        with steps.step("Whatever is left of the node"):
            lifecycle.destroy(spec)
        if purge:
            with steps.step("Caches, state, deploy/") as step:
                step.done(f"{_purge() / 1e9:.1f} GB freed")


def _destroy_stack(step: Step, spec: NodeSpec) -> None:
    """Let Pulumi take its own down; what it cannot, after a crash for example, the teardown does."""
    try:
        step.done(stack.destroy(step.detail).summary())
        stack.remove()
    except StackBusyError:
        raise
    except LookoutError as error:
        step.detail(error.message)
        step.done("Pulumi could not; the teardown does it")
        lifecycle.destroy(spec)
        stack.remove(force=True)


def _node() -> NodeSpec:
    """The stack's node as it was last brought up, or as the settings have it.

    LookoutError when the stack is a cluster elsewhere. Settings that cannot be read must not keep a node up.
    """
    try:
        settings = stackfile.settings(STACK)
    except LookoutError:
        return record.read(NodeSpec().name) or NodeSpec()
    stackfile.require_local(settings, STACK, "pulumi destroy")
    return record.read(settings.node.name) or settings.node


def _purge() -> int:
    """Remove all that is kept outside the clone, and deploy/ in it. Returns the bytes freed."""
    freed = 0
    for directory in (paths.cache_dir(), paths.state_dir(), paths.deploy_dir()):
        if directory.exists():
            freed += sum(path.lstat().st_size for path in directory.rglob("*") if not path.is_dir())
            shutil.rmtree(directory)
    stackfile.path(STACK).unlink(missing_ok=True)
    return freed
