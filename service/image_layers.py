"""The layers that only the detector's image has, above Debian, Python and dependencies: its model and its bento."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lookout import oci
from lookout.oci import Layer, Progress, python

BENTO: Final = "/opt/lookout/bento"

_CREATION_TIME: Final = re.compile(r"creation_time: \S+")
_FIXED_TIME: Final = "creation_time: '2025-01-01T00:00:00+00:00'"


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
