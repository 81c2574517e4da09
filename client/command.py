"""`lookout detect`: what is on these photos?

Exit codes: 0 all photos were looked at, 1 one was not or no detector answers, 64 wrong usage, 130 Ctrl-C.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from client import batches, photos
from client.detector import DetectorClient, RefusedError
from client.result import PhotoResult, Results, name_of
from lookout import contract
from lookout import token_file as tokens
from lookout.errors import EXIT_FAILURE, LookoutError
from lookout.files import write_whole
from lookout.photo_bar import photo_bar
from service.schema import Problem

app = typer.Typer()
_PRODUCTION: Final = f"http://127.0.0.1:{contract.DOORS[contract.PRODUCTION]}"


# A group ends its options at the first photo unless told otherwise; people write `lookout detect photo.jpg --json`.
@app.callback(invoke_without_command=True, context_settings={"allow_interspersed_args": True})
def detect(
    named: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos, or folders of photos.")],
    url: Annotated[str, typer.Option(help="The detector's address.")] = _PRODUCTION,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Least score.")] = contract.DEFAULT_THRESHOLD,
    limit: Annotated[
        int, typer.Option(min=1, max=contract.MAX_LIMIT, help="Most objects a photo.")
    ] = contract.DEFAULT_LIMIT,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the photos with boxes drawn: a JPEG for one photo, else a folder.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the API token, where one is needed.", envvar=tokens.VARIABLE)
    ] = None,
) -> None:
    """Detect objects on photos (JPEG, PNG, WebP) with a running detector."""
    chosen = photos.choose(named)
    paths = [one.path for one in chosen]
    targets = dict(zip(paths, photos.annotated(chosen, out), strict=True)) if out else {}
    results: list[PhotoResult] = []
    token = tokens.read(token_file) if token_file else None
    with DetectorClient(url, token) as detector, photo_bar(len(paths)) as bar:
        task = bar.add_task("looking", total=len(paths))

        def seen(path: Path, answer: batches.Answer) -> None:
            result = _result(path, answer)
            if result.result and path in targets:
                result = _draw(detector, path, result, targets[path], threshold, limit)
            results.append(result)
            if not as_json:
                typer.echo(result.text(), err=result.result is None)
            bar.advance(task)

        try:
            batches.look(detector, paths, threshold, limit, seen)
        except LookoutError:
            if as_json and results:  # what is known of a thousand photos is not lost with the next one
                _print_json(results)
            raise
    if as_json:
        _print_json(results)
    if any(one.result is None for one in results):
        raise typer.Exit(EXIT_FAILURE)


def _print_json(results: list[PhotoResult]) -> None:
    typer.echo(Results(results=tuple(results)).model_dump_json(indent=2, exclude_none=True))


def _result(path: Path, answer: batches.Answer) -> PhotoResult:
    if isinstance(answer, Problem):
        return PhotoResult(photo=name_of(path), error=answer.detail, status=answer.status)
    return PhotoResult(photo=name_of(path), result=answer)


def _draw(
    detector: DetectorClient, path: Path, result: PhotoResult, target: Path, threshold: float, limit: int
) -> PhotoResult:
    """The same with the annotated photo written; the service draws, so that it looks as on its other roads."""
    photo = batches.read(path)
    if isinstance(photo, Problem):
        raise LookoutError(f"{path} could not be drawn: {photo.detail}", "leave it in its place while it is looked at")
    try:
        drawn = detector.render(photo, threshold, limit)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, drawn)
    except RefusedError as error:
        raise LookoutError(f"{path} could not be drawn: {error.message}", error.remedy) from error
    except OSError as error:
        raise LookoutError(f"{target} cannot be written: {error.strerror or error}", "choose another --out") from error
    return result.model_copy(update={"annotated": name_of(target)})
