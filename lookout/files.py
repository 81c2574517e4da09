"""Files that are written whole or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write `text` beside `path` and rename: a full disk or a crash leaves the old content, never half of the new."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as sink:
            sink.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
