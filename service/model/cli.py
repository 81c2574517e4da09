"""`lookout model`: import, judge and show detection models."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from lookout.errors import EXIT_FAILURE, LookoutError, UsageError
from lookout.steps import Steps
from service import bento_home
from service.model import card as cards
from service.model import stored
from service.model.measure_cli import measure_command
from service.model.parity import Parity
from service.model.profile_cli import profile_command
from service.runtimes import CONVERTED, RUNTIMES

app = typer.Typer(no_args_is_help=True, help="Import, convert and judge detection models.", rich_markup_mode=None)

CardFile = Annotated[Path | None, typer.Option("--card", help="A model card of your own (TOML).")]
Name = Annotated[str | None, typer.Argument(help=f"A known model; default {cards.DEFAULT}.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """The model cards that come with the project, and what is imported."""
    rows = [_state(name) for name in cards.names()]
    if as_json:
        _print_json(rows)
        return
    table = Table(Column("model", no_wrap=True), "version", Column("runtime", no_wrap=True), "F1", "licence")
    for row in rows:
        table.add_row(row["name"], row["version"] or "not imported", row["runtime"] or "", row["f1"], row["licence"])
    Console().print(table)


@app.command("import")
def import_command(
    name: Name = None,
    card: CardFile = None,
    again: Annotated[bool, typer.Option("--again", help="Convert and judge even when nothing changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a model, convert it, judge the conversions and put the best into BentoML's store.

    The source is held to the hash in the card. int8 is served only if its boxes agree with the SavedModel's: F1 of at
    least 0.95 at IoU 0.5 and a median score shift of at most 0.03 on 240 variants of held-out photos.
    """
    from service.model.importer import import_model

    wanted = _wanted(name, card)
    steps = Steps("model-import")
    with steps.step(f"Model {wanted.stem if isinstance(wanted, Path) else wanted}") as step:
        done = import_model(wanted, step.detail, again=again)
        step.done(done.tag if done.changed else f"{done.tag}  unchanged")
    if as_json:
        _print_json({**asdict(done), "path": str(done.path)})


@app.command("show")
def show(name: Name = None, as_json: AsJson = False) -> None:
    """One imported model: where it comes from, what serves it and how it was judged."""
    model = stored.latest(bento_home.use(), name or cards.DEFAULT)
    found = stored.read_card(model)
    if as_json:
        _print_json({**found.model_dump(mode="json"), "path": str(model)})
        return
    source = found.card.source
    origin = f"npm {source.package}@{source.version}" if source.kind == "npm" else source.url
    console = Console(highlight=False)
    console.print(f"{found.tag}\n  {found.card.title} ({found.card.generation}, {found.card.licence})")
    console.print(
        f"  from     {origin}\n  runtime  {found.runtime}\n  labels   {len(found.card.labels)}\n  files    {model}"
    )
    if found.profile:
        console.print(f"  drift    judged by {found.profile.source}", soft_wrap=True)
    _print_parity([_row(report) for report in found.parity])


@app.command("evaluate")
def evaluate_command(name: Name = None, as_json: AsJson = False) -> None:
    """Judge an imported model's runtimes again and show what each sees on the sample photos.

    Exit code 1 when the runtime that serves does not pass the gate.
    """
    from service.model import evaluate
    from service.model.chatter import native_output_to_log
    from service.model.tensorflow_import import hide_gpus

    model, found = stored.latest_converted(bento_home.use(), name or cards.DEFAULT)
    steps = Steps("model-evaluate")
    with steps.step(f"Judging {found.tag}") as step, native_output_to_log("model-conversion"):
        hide_gpus()
        reports = evaluate.judge(model, found.card, CONVERTED, step.detail)
        reduced = evaluate.judge_reduced(model, found.card, found.runtime, step.detail)
        samples: dict[str, dict[str, list[tuple[str, float]]]] = {
            runtime: evaluate.on_samples(model, found.card, runtime) for runtime in reversed(RUNTIMES)
        }
    rows = [_row(report) for report in reports]
    if reduced:
        rows.append(_row(reduced) | {"runtime": f"{reduced.runtime}, reduced JPEGs"})
    if as_json:
        _print_json({"model": found.tag, "runtime": found.runtime, "parity": rows, "samples": samples})
    else:
        _print_parity(rows)
        _print_samples(samples)
    if (
        found.runtime != "tensorflow"
        and not next(report for report in reports if report.runtime == found.runtime).passed
    ):
        raise typer.Exit(EXIT_FAILURE)


app.command("measure")(measure_command)
app.command("profile")(profile_command)


def _wanted(name: str | None, card: Path | None) -> str | Path:
    if name and card:
        raise UsageError("give a model's name or --card FILE, not both")
    return card or name or cards.DEFAULT


def _state(name: str) -> dict[str, Any]:
    card = cards.load(name)
    try:
        found = stored.read_card(stored.latest(bento_home.use(), name))
    except LookoutError:
        found = None
    f1 = next((f"{report.f1:.3f}" for report in found.parity if report.runtime == found.runtime), "") if found else ""
    return {
        "name": name,
        "title": card.title,
        "generation": card.generation,
        "licence": card.licence,
        "version": found.version if found else None,
        "runtime": found.runtime if found else None,
        "f1": f1,
    }


def _row(report: Parity) -> dict[str, Any]:
    return report.model_dump() | {"passed": report.passed}


def _print_parity(rows: list[dict[str, Any]]) -> None:
    table = Table(
        Column("runtime", no_wrap=True), "variants", "matched", "missed", "added", "F1", "median score shift", "gate"
    )
    for row in rows:
        shift = row["median_score_shift"]
        table.add_row(
            *(str(row[key]) for key in ("runtime", "variants", "matched", "missed", "added")),
            f"{row['f1']:.4f}",
            "-" if shift is None else f"{shift:.4f}",
            "passed" if row["passed"] else "not passed",
        )
    if rows:
        Console().print(table)


def _print_samples(samples: dict[str, dict[str, list[tuple[str, float]]]]) -> None:
    table = Table("photo", *samples)
    for photo in next(iter(samples.values())):
        table.add_row(
            photo, *(", ".join(f"{label} {score:.2f}" for label, score in seen[photo]) for seen in samples.values())
        )
    Console().print(table)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2))
