"""Where evidence goes: a file of the caller's choice, or the clone of the configuration repository, uncommitted."""

from pathlib import Path
from typing import Final

from loadtest.gate.evidence import Evidence
from loadtest.output import check_writable
from loadtest.result import LoadResult
from loadtest.settings import LoadSettings
from lookout import artifact, paths
from lookout.errors import LookoutError, UsageError

DEPLOY: Final = "deploy"
"""The word that stands for the configuration's clone in `--evidence`."""


def check_evidence(where: str, settings: LoadSettings, *others: Path) -> None:
    """Refuse evidence that could not be written, or over one of the `others`, before any load.

    UsageError, or LookoutError without a clone.
    """
    if not settings.slo:
        raise UsageError("--evidence: without an SLO there is no verdict to keep", "add --slo or --profile")
    if where != DEPLOY:
        check_writable(Path(where), *others)
        return
    if settings.expect != "lookout":
        raise UsageError(
            "--evidence deploy: only the detector says which bento it is", "add --expect lookout, or name a file"
        )
    if not (paths.deploy_dir() / ".git").exists():
        raise LookoutError(
            f"--evidence deploy: {paths.deploy_dir()} is no clone of the configuration repository",
            "make it with: lookout up, or: lookout release clone URL",
        )


def write_evidence(result: LoadResult, where: str) -> Path:
    """Write the evidence of a judged run and return its path; nothing is committed.

    LookoutError when it cannot be written, or when the service said no bento and `where` is the configuration's clone.
    """
    service = result.service  # TensorFlow is what the image for GPUs serves with, and the other does not have it
    evidence = Evidence.of(result, image_digest(service.get("bento"), gpu=service.get("runtime") == "tensorflow"))
    try:
        path = paths.deploy_dir() / evidence.place if where == DEPLOY else Path(where)
        evidence.save(path)
    except ValueError as error:
        raise LookoutError("--evidence deploy: the service does not say which bento it is", "name a file") from error
    except OSError as error:
        raise LookoutError(f"cannot write the evidence: {error}", "name another file with --evidence") from error
    return path


def image_digest(bento: str | None, *, gpu: bool = False) -> str | None:
    """Digest of the image built of a bento on this machine, for GPUs or else for CPUs; None where it was built
    elsewhere."""
    if not bento:
        return None
    try:
        return artifact.load(bento, gpu=gpu).image.partition("@")[2]
    except (LookoutError, OSError):
        return None
