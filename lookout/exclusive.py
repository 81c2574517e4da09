"""One `up` or `down` at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from lookout import paths
from lookout.errors import LookoutError


@contextmanager
def only_one() -> Iterator[None]:
    """Refuse a second `up` or `down` while one runs. The lock ends with the process, however it ends."""
    path = paths.state_dir() / "up.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            raise LookoutError(
                f"another make up or make down is at work (process {handle.read().strip() or 'unknown'})",
                "wait until it has ended",
            ) from error
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
