"""Files that are written whole or not at all."""

import os
import secrets
from pathlib import Path


def write_whole(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write `content` beside `path` and rename: a full disk or a crash leaves the old content, never half a file.

    `mode` is what the umask may take bits from, as with any new file. OSError when it cannot be written.
    """
    data = content if isinstance(content, bytes) else content.encode()
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        # O_EXCL: a file that somebody else put there would keep its own mode, whatever is asked for here.
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as sink:
            sink.write(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
