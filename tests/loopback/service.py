"""A real service process on 127.0.0.1, with the model that the clone has, for tests that ask it as clients do."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from lookout import contract, paths
from service.model.importer import import_model


@contextmanager
def running(
    model: Path | None = None,
    wait: bool = True,
    *,
    module: str = "service",
    stderr: int | None = None,
    **settings: str,
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """URL and process of a service; settings are given by name, as in `drain_s="1.5"`. It is killed in the end.

    With `wait` it is ready when handed out.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", module, "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"LOOKOUT_MODEL_DIR": str(model or import_model().path)}
    environment |= {f"LOOKOUT_{name.upper()}": value for name, value in settings.items()}
    with subprocess.Popen(command, env=environment, cwd=paths.PROJECT_ROOT, stderr=stderr) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            if wait:
                wait_for(url, contract.READINESS_PATH)
            yield url, process
        finally:
            process.kill()


def wait_for(url: str, path: str) -> None:
    """Return once `path` answers with 200; AssertionError after half a minute."""
    for _ in range(600):
        try:
            if httpx.get(url + path, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{url}{path} did not answer with 200 within 30 s")
