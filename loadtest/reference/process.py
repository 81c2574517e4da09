"""The reference server as a process of its own, so that it and the generator do not share an interpreter."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lookout import paths
from lookout.errors import LookoutError


class Reference:
    """A running reference server; `report` holds what it did once the block has ended."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self.report: dict[str, float] = {}


@contextmanager
def reference_server(latency: str = "constant:0ms", seed: int = 1) -> Iterator[Reference]:
    """Serve on a free port of 127.0.0.1 while the block runs. LookoutError when it does not start."""
    process = subprocess.Popen(
        [sys.executable, "-m", "loadtest.reference.server", latency, str(seed)],
        cwd=paths.PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the command, which then closes the server's input
    )
    assert process.stdout is not None  # noqa: S101  # a pipe was asked for
    try:
        line = process.stdout.readline()
        if not line:
            raise LookoutError(f"the reference server ended with code {process.wait()}", "its reason stands above")
        reference = Reference(f"http://127.0.0.1:{json.loads(line)['port']}", process.pid)
        yield reference
        output, _ = process.communicate(timeout=10)
        reference.report = json.loads(output)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
