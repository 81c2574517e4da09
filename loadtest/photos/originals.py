"""Where the photographs come from: a folder of JPEG files where one is named, else scikit-image's wheel."""

import os
from pathlib import Path
from typing import Final

from lookout.errors import LookoutError

FOLDER_VARIABLE: Final = "LOOKOUT_PHOTOS"
"""Names a folder of JPEG files; the load generator's image carries its own, and no scikit-image."""


def originals() -> dict[str, bytes]:
    """JPEG bytes by name, sorted by name. LookoutError when the folder named has no JPEG file."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder is None:
        from service.model.photos import sample_photos  # late: numpy, and scikit-image's wheel

        return dict(sorted(sample_photos().items()))
    files = sorted(Path(folder).glob("*.jpg"))
    if not files:
        raise LookoutError(f"{FOLDER_VARIABLE} names {folder}, where there is no .jpg file", f"unset {FOLDER_VARIABLE}")
    return {file.stem: file.read_bytes() for file in files}
