"""What a build hands to a release: the immutable names of one detector image, and nothing else."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lookout import contract, paths
from lookout.errors import LookoutError
from lookout.files import write_whole

_VERSIONED = r"^[a-z0-9][a-z0-9._-]*:[a-z0-9][a-z0-9._-]*$"


class Artifact(BaseModel):
    """One built image: `bento` and `model` as name:version, `image` as repository@sha256:digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bento: Annotated[str, Field(pattern=_VERSIONED)]
    model: Annotated[str, Field(pattern=_VERSIONED)]
    image: Annotated[str, Field(pattern=rf"^{contract.IMAGE_REPOSITORY}@sha256:[0-9a-f]{{64}}$")]

    def save(self, *, gpu: bool = False) -> Path:
        """Record the artifact under its bento's version, as its image for GPUs or else as that for CPUs, which is also
        the latest one."""
        _directory().mkdir(parents=True, exist_ok=True)
        record = _record(self.bento, gpu=gpu)
        for path in (record,) if gpu else (record, _record("latest")):
            write_whole(path, self.model_dump_json(indent=2) + "\n")
        return record


def load(bento: str | None = None, *, gpu: bool = False) -> Artifact:
    """The recorded image of `bento` (name:version), for GPUs or else for CPUs; without a bento the latest for CPUs.
    LookoutError when there is none."""
    path = _record(bento or "latest", gpu=gpu)
    try:
        return Artifact.model_validate_json(path.read_text())
    except FileNotFoundError as error:
        if gpu:
            remedy = f"run: lookout bento image --gpu --push --bento {bento}"
            raise LookoutError(f"no image for GPUs was built of bento {bento} on this machine", remedy) from error
        what = f"no image was built of bento {bento}" if bento else "no image was built yet"
        raise LookoutError(what, "run: lookout bento build && lookout bento image --push") from error
    except ValidationError as error:
        raise LookoutError(
            f"{path} is not a record of an image: {error.errors()[0]['msg']}", f"remove {path}"
        ) from error


def _record(bento: str, *, gpu: bool = False) -> Path:
    return _directory() / f"{bento.replace(':', '-')}{'-gpu' if gpu else ''}.json"


def _directory() -> Path:
    return paths.state_dir() / "images"
