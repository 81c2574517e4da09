"""What a build hands to a release: the immutable names of one detector image, and nothing else."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lookout import contract, paths
from lookout.errors import LookoutError
from lookout.files import write_whole

_VERSIONED = r"^[a-z0-9][a-z0-9._-]*:[a-z0-9][a-z0-9._-]*$"


class Artifact(BaseModel):
    """One built image: `bento` and `model` as name:version, `image` as repository@sha256:digest, and whether it is the
    bento's image for GPUs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bento: Annotated[str, Field(pattern=_VERSIONED)]
    model: Annotated[str, Field(pattern=_VERSIONED)]
    image: Annotated[str, Field(pattern=rf"^{contract.IMAGE_REPOSITORY}@sha256:[0-9a-f]{{64}}$")]
    gpu: bool = False

    def save(self) -> Path:
        """Record the artifact under its bento's version; an image for CPUs also as the latest one."""
        directory = _directory()
        directory.mkdir(parents=True, exist_ok=True)
        record = _gpu_record(self.bento) if self.gpu else directory / f"{self.bento.replace(':', '-')}.json"
        for path in (record,) if self.gpu else (record, directory / "latest.json"):
            write_whole(path, self.model_dump_json(indent=2) + "\n")
        return record


def load(bento: str | None = None) -> Artifact:
    """The recorded image for CPUs of `bento` (name:version), or the latest one. LookoutError when there is none."""
    path = _directory() / f"{bento.replace(':', '-') if bento else 'latest'}.json"
    try:
        return Artifact.model_validate_json(path.read_text())
    except FileNotFoundError as error:
        what = f"no image was built of bento {bento}" if bento else "no image was built yet"
        raise LookoutError(what, "run: lookout bento build && lookout bento image --push") from error
    except ValidationError as error:
        raise LookoutError(
            f"{path} is not a record of an image: {error.errors()[0]['msg']}", f"remove {path}"
        ) from error


def _gpu_record(bento: str) -> Path:
    return _directory() / f"{bento.replace(':', '-')}-gpu.json"


def _directory() -> Path:
    return paths.state_dir() / "images"
