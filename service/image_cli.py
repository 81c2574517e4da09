"""`lookout bento image`: make the detector's image, and where asked check and push it."""

import json
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from lookout import contract
from lookout.steps import Steps
from service import image, image_check
from service.image import BuiltImage

_WITHOUT_GPU: Final = {"LOOKOUT_REQUIRE_GPU": "false"}
_DOOR = f"127.0.0.1:{contract.DOORS['registry']}"


def image_command(
    push: Annotated[bool, typer.Option("--push", help="Push to the registry and record the digest.")] = False,
    registry: Annotated[str, typer.Option(help="Where --push pushes: HOST:PORT, perhaps with a path.")] = _DOOR,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="The image with TensorFlow and CUDA, for GPU nodes: 2.7 GB.")
    ] = False,
    bento: Annotated[str | None, typer.Option(help="detector:VERSION of the store; by default the clone's.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Start it as a pod would and detect on a photo.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output, layer by layer.")] = False,
) -> None:
    """Make one of the detector's images without a Docker daemon; layers that did not change are not made again.

    Needs root. The image with --gpu takes a download of 3.4 GB the first time, and several times that of disk while it
    is made; --check starts it on the CPU, because the root it is started in has no GPU. With --push the digest is
    recorded, and `lookout release` takes it from there: that of the image for GPUs for environments with the component
    gpu. A registry other than one on this machine is spoken to over TLS, with the credentials of `skopeo login`.
    """
    steps = Steps("bento-image")
    with steps.step("Image") as step:
        built = image.build_image(bento, step.detail, gpu=gpu)
        step.done(f"{built.bento}  {_mb(built.image.size_bytes)} MB")
    result = _described(built)
    if check:
        with steps.step("Start and detect") as step:
            found, seconds = image_check.check_image(built.image, step.detail, _WITHOUT_GPU if gpu else {})
            step.done(f"ready in {seconds:.1f} s{' on the CPU' if gpu else ''}, {found}")
        result |= {"ready_seconds": round(seconds, 3), "detected": found}
    if push:
        with steps.step("Push") as step:
            artifact = image.push_image(built.bento, registry, step.detail, gpu=gpu)
            step.done(artifact.image)
        result["pushed"] = artifact.image
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        Console().print(_table(built))


def _described(built: BuiltImage) -> dict[str, Any]:
    return {
        "bento": built.bento,
        "model": built.model,
        "gpu": built.gpu,
        "ref": built.image.ref,
        "digest": built.image.digest,
        "size_bytes": built.image.size_bytes,
        "layers": [layer.model_dump() for layer in built.image.layers],
    }


def _table(built: BuiltImage) -> Table:
    table = Table("layer", "MB compressed", "MB unpacked", "digest")
    for layer in built.image.layers:
        table.add_row(layer.title, _mb(layer.size_bytes), _mb(layer.unpacked_bytes), layer.digest[:19])
    unpacked = sum(layer.unpacked_bytes for layer in built.image.layers)
    table.add_row("all", _mb(built.image.size_bytes), _mb(unpacked), built.image.digest[:19])
    return table


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f}"
