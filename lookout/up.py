"""`lookout up`: the whole road on this machine, each step named on screen; what is unchanged is not done again."""

import json
from pathlib import Path

import typer

from gitops import seed
from gitops.bootstrap import bootstrap
from gitops.monitoring import wait_monitoring
from gitops.wait import wait_healthy
from infra import stack, stackfile
from infra.node import git_server, lifecycle
from lookout import contract, first_photo, paths, summary
from lookout.environment import STACK
from lookout.exclusive import only_one
from lookout.prepare import check_machine, prepare
from lookout.steps import Steps
from service import image

app = typer.Typer(help="Bring everything up on this machine, from tools to a photo's boxes.")
_HEALTHY_WITHIN_S = 300.0


@app.callback(invoke_without_command=True)
def up() -> None:
    """Install what is missing, build tools, model, bento and image, run `pulumi up`, release, and detect on a photo.

    Everything is made on this machine; a second run does only what changed. Details go to a log file.
    """
    check_machine()
    with only_one():
        steps = Steps("up")
        _run(steps)
        _record(steps)


def _run(steps: Steps) -> None:
    with steps.step("Settings") as step:
        stackfile.ensure(STACK)
        settings = stackfile.settings(STACK)
        stackfile.require_local(settings, STACK, "pulumi up")
        spec = settings.node
        lifecycle.refuse_conflicts(spec)
        step.done(f"target local, node {spec.name}")
    built = prepare(steps)
    with steps.step("Configuration repository"):
        git_server.prepare(spec)
        seed.seed(git_server.repository(spec))
    with steps.step("Cluster (pulumi up)") as step:
        step.done(stack.up(step.detail).summary())
    with steps.step("Image into the registry") as step:
        artifact = image.push_image(built.tag, settings.registry or spec.registry, step.detail)
        step.done(artifact.image.rpartition("@")[2][:19])
    with steps.step("Bootstrap release") as step:
        step.done(bootstrap(settings.gitops.repository or spec.git_url, paths.deploy_dir(), artifact).summary)
    with steps.step("Detectors healthy") as step:
        environments = wait_healthy(contract.ENVIRONMENTS, _HEALTHY_WITHIN_S, step.detail, kubeconfig=spec.kubeconfig)
    with steps.step("Monitoring healthy") as step:
        if (paths.deploy_dir() / contract.MONITORING).is_dir():
            wait_monitoring(_HEALTHY_WITHIN_S, step.detail, kubeconfig=spec.kubeconfig)
        else:  # a configuration begun by a release without it
            step.done("none in deploy/ yet: lookout release update --push")
    with steps.step("A photo's boxes") as step:
        step.done(first_photo.detect(spec.doors.prod, stack.api_token()))
    summary.show(steps, spec, environments)


def _record(steps: Steps) -> Path:
    """How long each step took, for whoever wants to compare."""
    path = paths.log_dir() / "up.json"
    path.write_text(json.dumps({name: round(seconds, 2) for name, seconds in steps.seconds.items()}, indent=2) + "\n")
    return path
