"""`lookout model measure`: how fast a model's runtimes are on this machine."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lookout.steps import Steps
from service import bento_home
from service.model import card as cards
from service.model import stored

_Name = Annotated[str | None, typer.Argument(help=f"A known model; default {cards.DEFAULT}.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def measure_command(name: _Name = None, as_json: _AsJson = False) -> None:
    """Measure how fast an imported model's runtimes are on this machine, alone, on every core and in batches."""
    from service.model import batching, measure
    from service.model.chatter import native_output_to_log
    from service.model.tensorflow_import import hide_gpus

    model, found = stored.latest_converted(bento_home.use(), name or cards.DEFAULT)
    steps = Steps("model-measure")
    with steps.step(f"Measuring {found.tag}") as step, native_output_to_log("model-conversion"):
        hide_gpus()
        throughput = measure.throughput(model, found, step.detail)
        batches = measure.batches(model, found, step.detail)
    if as_json:
        figures = {
            "throughput": [one.model_dump() for one in throughput],
            "batches": [one.model_dump() for one in batches],
        }
        typer.echo(json.dumps({"model": found.tag, **figures}, indent=2))
        return
    speeds = Table("runtime", "photo", "threads", "photos/s", "processor ms a photo")
    for row in throughput:
        speeds.add_row(
            row.runtime, row.photo, str(row.sessions), f"{row.photos_per_s:.1f}", f"{row.processor_ms_a_photo:.2f}"
        )
    Console().print(speeds)
    table = Table("ms an image", *(f"batch {size}" for size in measure.BATCHES))
    for runtime in batching.RUNTIMES:
        table.add_row(runtime, *(f"{one.ms_an_image:.2f}" for one in batches if one.runtime == runtime))
    Console().print(table)
