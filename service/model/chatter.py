"""Keeping TensorFlow's C++ chatter off the screen: it goes to a log file, our own progress stays visible."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lookout import paths


@contextmanager
def native_output_to_log(name: str) -> Iterator[None]:
    """While this lasts, what native code writes to standard error is appended to `<name>.log` among the logs.

    Native code writes to file descriptor 2 and asks no Python logger. Python's own `sys.stderr` keeps its screen
    through a duplicate of that descriptor.
    """
    log = paths.log_dir() / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    before = sys.stderr
    before.flush()
    screen = os.dup(2)
    with os.fdopen(screen, "w", buffering=1) as stream, log.open("ab") as sink:
        sys.stderr = stream
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            stream.flush()
            os.dup2(screen, 2)
            sys.stderr = before
