"""`lookout bento`: build the bento, list what was built, serve it on this machine."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lookout import contract, paths
from lookout.errors import UsageError
from lookout.steps import Steps
from service import bento, bento_home
from service.image_cli import image_command
from service.model import card as cards

app = typer.Typer(no_args_is_help=True, help="Build the bento and its image.", rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command("build")
def build_command(
    model: Annotated[str, typer.Option(help="The imported model to serve.")] = cards.DEFAULT, as_json: AsJson = False
) -> None:
    """Build the bento: code, locked requirements and model, under a version made from their content.

    The same inputs give the same version, and then nothing is built.
    """
    steps = Steps("bento-build")
    with steps.step("Bento") as step:
        built = bento.build(step.detail, model)
        step.done(built.tag if built.changed else f"{built.tag}  unchanged")
    if as_json:
        typer.echo(json.dumps(asdict(built), indent=2, default=str))


app.command("image")(image_command)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """The bentos in the store, newest first."""
    folder = bento_home.use() / "bentos" / contract.DETECTOR
    described = list(folder.glob("*/bento.yaml")) if folder.is_dir() else []
    rows = [_row(path) for path in sorted(described, key=lambda path: path.stat().st_mtime, reverse=True)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table("bento", "model", "built")
    for row in rows:
        table.add_row(row["tag"], row["model"], row["built"])
    Console().print(table)


@app.command("serve")
def serve_command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = contract.LAPTOP_PORT,
) -> None:
    """Serve the detector from the clone, without any cluster, until Ctrl-C. The page is at http://HOST:PORT/."""
    from service import model_location, settings

    model_location.find(settings.from_environment())  # says at once when no model was imported
    bento_home.use()
    program = paths.venv_bin("bentoml")
    if not program.is_file():
        raise UsageError(f"there is no {program}", "install the locked requirements")
    os.chdir(paths.PROJECT_ROOT)
    # argv is fixed but for two checked values; exec, so that signals reach BentoML itself.
    os.execv(program, [str(program), "serve", "service.service:Detector", "--host", host, "--port", str(port)])  # noqa: S606


def _row(path: Path) -> dict[str, str]:
    import yaml

    described = yaml.safe_load(path.read_text())
    models = ", ".join(str(model["tag"]) for model in described.get("models", []))
    return {
        "tag": f"{described['name']}:{described['version']}",
        "model": models,
        "built": str(described["creation_time"])[:19],
    }
