"""`lookout prepare`: everything that can be made before anything runs: packages, tools, model, bento, images."""

import typer

from infra.node import images
from lookout import debian, preflight, tools
from lookout.errors import LookoutError
from lookout.exclusive import only_one
from lookout.steps import Steps
from service import bento, image
from service.bento import Bento
from service.model import importer

app = typer.Typer(help="Install and build everything `up` needs, and start nothing.")


@app.callback(invoke_without_command=True)
def command() -> None:
    """Install Debian packages, build tools, model, bento and images into the cache. `lookout up` does this too."""
    check_machine()
    with only_one():
        prepare(Steps("prepare"))


def check_machine() -> None:
    """LookoutError that lists every need this machine does not meet. Doors are the settings' business."""
    found = preflight.problems(any_doors=True)
    if found:
        listed = "\n".join(f"  ✗ {problem.what}\n      → {problem.remedy}" for problem in found)
        raise LookoutError(f"this machine is not ready; nothing was changed:\n{listed}", "then run the command again")


def prepare(steps: Steps) -> Bento:
    """Make what is missing and return the bento that the detector's image was made of."""
    with steps.step("Debian packages") as step:
        step.done(", ".join(debian.install(step.detail)) or "unchanged")
    with steps.step("Tools") as step:
        made = tools.build(step.detail)
        step.done(f"{len(made)} built" if made else "unchanged")
    with steps.step("Model") as step:
        model = importer.import_model(progress=step.detail)
        step.done(f"{model.tag}, {model.runtime}{_unchanged(model.changed)}")
    with steps.step("Bento") as step:
        built = bento.build(step.detail)
        step.done(f"{built.tag}{_unchanged(built.changed)}")
    with steps.step("Detector image") as step:
        image.build_image(built.tag, step.detail)
    with steps.step("Node images") as step:
        images.build_archive(step.detail)
    return built


def _unchanged(changed: bool) -> str:
    return "" if changed else ", unchanged"
