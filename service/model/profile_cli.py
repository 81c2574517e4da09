"""`lookout model profile`: judge drift by photos of one's own."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from lookout import contract
from lookout.photo_bar import photo_bar
from service import bento_home
from service.model import card as cards
from service.model import stored
from service.model.own_profile import Judged

_NEXT: Final = "lookout bento image --push, lookout release cut --push"


def profile_command(
    named: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos, or folders of photos.")],
    model: Annotated[str, typer.Option(help="The imported model that looks at them.")] = cards.DEFAULT,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Least score that your clients ask for.")
    ] = contract.DEFAULT_THRESHOLD,
    limit: Annotated[
        int, typer.Option(min=1, max=contract.MAX_LIMIT, help="Most objects a photo that they ask for.")
    ] = contract.DEFAULT_LIMIT,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Judge drift by photos of your own from now on, instead of the calibration photos.

    Take photos of a usual week, some hundred or more: the imported model looks at them, and what it sees is counted.
    The counts, nothing else of the photos, become part of a new version of the model; `lookout bento build` takes it,
    and a release brings it to the environments. The way back is `lookout model import --again`.

    Photos that cannot be read are named and left out. Exit codes: 0 stored, 1 no photo can be used or all are too few
    to judge others by, 64 wrong usage, 130 Ctrl-C.
    """
    from client import photos
    from service.model import importer, own_profile
    from service.model.chatter import native_output_to_log
    from service.model.tensorflow_import import hide_gpus

    paths = [one.path for one in photos.choose(named)]
    home = bento_home.use()
    stored.latest(home, model)  # says at once when it was not imported
    console = Console(stderr=True, highlight=False)
    left_out: list[dict[str, str]] = []
    with importer.alone(model, lambda text: console.print(text, markup=False)):
        folder = stored.latest(home, model)
        stored.intact(home, model, folder.name)
        found = stored.read_card(folder)
        with native_output_to_log("model-conversion"), photo_bar(len(paths)) as bar:
            hide_gpus()
            task = bar.add_task("looking", total=len(paths))

            def seen(path: Path, wrong: str | None) -> None:
                if wrong:
                    left_out.append({"photo": str(path), "error": wrong})
                    bar.console.print(f"left out {path}: {wrong}", markup=False, highlight=False, soft_wrap=True)
                bar.advance(task)

            sights = own_profile.look(folder, found, paths, threshold, limit, seen)
        made = own_profile.profile_of(sights, threshold, limit)
        features = own_profile.judged(made, found.profile, sights)
        done = own_profile.store(home, model, found, made)
    if as_json:
        rows = [asdict(row) for row in features]
        answer = {"model": done.tag, "before": found.tag, "photos": made.photos, "left_out": left_out, "features": rows}
        typer.echo(json.dumps(answer, indent=2))
        return
    _print(features, found.profile.source if found.profile else None)
    screen = Console(highlight=False)
    if any(row.least is None for row in features):
        screen.print("Never judged by so few photos: " + "; ".join(_wanting(row) for row in features if not row.least))
    skipped = f", {len(left_out)} left out" if left_out else ""
    what_next = ", unchanged" if done.tag == found.tag else f"; next: {_NEXT}"
    screen.print(f"{done.tag} of {made.photos} photos{skipped}{what_next}", soft_wrap=True)


def _print(features: list[Judged], before: str | None) -> None:
    table = Table("feature", "counted", "bins", "PSI against before", "judged from, an hour")
    for row in features:
        table.add_row(
            row.feature,
            f"{row.counted:,} {row.unit}",
            str(row.bins),
            "-" if row.psi is None else f"{row.psi:.3f}",
            f"{row.least:,} {row.unit}" if row.least else "never",
        )
    console = Console(highlight=False)
    console.print(table)
    if before:
        console.print(f"Before: {before}; from {contract.DRIFT_PSI:g} on it counts as drift.", soft_wrap=True)


def _wanting(row: Judged) -> str:
    if row.needed is None:
        return f"{row.feature} (nothing was detected)"
    return f"{row.feature} ({row.needed:,} {row.unit} or more)"
