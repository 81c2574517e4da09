"""The layers that only the detector's images have: CUDA and TensorFlow, the model and the bento."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lookout import oci
from lookout.oci import Layer, Progress, python

BENTO: Final = "/opt/lookout/bento"
_GPU_PARTS: Final = {"cuda": r"nvidia-.+-cu\d+", "tensorflow": "tensorflow", "dependencies": ".+"}
"""Of the GPU image's packages, those that seldom change and are most of it lie in layers of their own, the lowest
first: a change of any other package is no reason to push and pull them again."""

_CREATION_TIME: Final = re.compile(r"creation_time: \S+")
_FIXED_TIME: Final = "creation_time: '2025-01-01T00:00:00+00:00'"


def gpu_dependencies(base: Layer, requirements: Path, progress: Progress) -> list[Layer]:
    """The GPU image's packages by its lock file: CUDA's libraries, TensorFlow, and everything else."""
    parts = python.parts(requirements.read_text(), _GPU_PARTS)
    return [python.dependencies(base, locked, progress, title) for title, locked in parts.items()]


def model(name: str, version: str, files: Mapping[str, Path], progress: Progress) -> Layer:
    """The model's serving files where the bento expects its only model."""
    folder = f"{BENTO}/models/{name}/{version}"
    return oci.layer(
        "model", [oci.File(source=path, target=f"{folder}/{part}") for part, path in files.items()], progress
    )


def code(base: Layer, bento: Path, progress: Progress) -> Layer:
    """The bento's sources with their bytecode, and its description.

    The description's creation times are replaced by a fixed one, so that a version is the same bytes on every machine.
    """
    files = (path for path in (bento / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    sources = {path.relative_to(bento).as_posix(): path for path in files}
    described = _CREATION_TIME.sub(_FIXED_TIME, (bento / "bento.yaml").read_text())
    return python.code(base, sources, BENTO, progress, {"bento.yaml": described})
