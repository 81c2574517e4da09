"""A server that runs: started, warmed up, paused while others have their turn, ended with all its processes."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from lookout import paths
from lookout.contract import DETECT_PATH
from lookout.errors import LookoutError
from tests.bench import processes
from tests.bench.client import Seen, saturate
from tests.bench.contestants import Server
from tests.bench.record import Layout, Memory

_STARTS_WITHIN_S: Final = 120.0
_POLL_S: Final = 0.2
_WARM_UP_CONNECTIONS: Final = 16
_WARM_UP_S: Final = 1.5
_LATER: Final = (404, 429)
"""Not yet: routes that are still being added, and too many at once."""
_LOG_LINES: Final = 6


class Running:
    """A server that has answered; paused, except in `awake`."""

    def __init__(self, server: Server, layout: Layout, url: str, pid: int) -> None:
        self.server, self.layout, self.url, self._pid = server, layout, url, pid

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Let it run while the block does."""
        processes.resume(self._pid)
        try:
            yield
        finally:
            processes.pause(self._pid)

    def measure(self, photos: Sequence[bytes], connections: int, seconds: float, warm_s: float) -> Seen:
        """A while of closed loop."""
        with self.awake():
            return saturate(self.url, photos, connections, seconds, warm_s)

    def memory(self) -> Memory:
        """Of all its processes."""
        return processes.weigh(self._pid)


@contextmanager
def running(server: Server, layout: Layout, photo: bytes, logs: Path, say: Callable[[str], None]) -> Iterator[Running]:
    """The server in that layout, once it has answered for `photo` some times. LookoutError when it does not.

    What it prints goes to a file in `logs`. However the block ends, no process of it is left.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = logs / f"{server.name}-{layout.processes}x{layout.threads}.log"
    say(f"starting {server.name}, {layout} (processes x threads)")
    with tempfile.TemporaryDirectory(prefix="lookout-bench-") as home, log.open("w") as sink:
        environment = {
            **os.environ,
            "BENTOML_HOME": home,  # each its own: BentoML's metrics of one server must not mix with another's
            "BENTOML_DO_NOT_TRACK": "True",
            **server.environment(port, layout),
        }
        process = subprocess.Popen(
            [str(word) for word in server.command(port, layout)],
            cwd=paths.PROJECT_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the bench, which then ends every server
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _warm_up(url, photo, process, log)
            processes.pause(process.pid)
            yield Running(server, layout, url, process.pid)
        finally:
            processes.end(process.pid)
            process.wait()


def _warm_up(url: str, photo: bytes, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until it has answered, every worker is up, and each has had some photos."""
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while not _answers(url, photo, log):
        if process.poll() is not None:
            raise LookoutError(f"{log.stem} ended with code {process.returncode}:\n{_tail(log)}", f"see {log}")
        if time.monotonic() > deadline:
            raise LookoutError(f"{log.stem} did not answer in {_STARTS_WITHIN_S:g} s:\n{_tail(log)}", f"see {log}")
        time.sleep(_POLL_S)
    # The first worker answers while others still load: only those that accept would be measured.
    processes.settle(process.pid, deadline - time.monotonic())
    saturate(url, [photo], _WARM_UP_CONNECTIONS, _WARM_UP_S, 0.0)


def _answers(url: str, photo: bytes, log: Path) -> bool:
    """Whether it answers with 200. LookoutError when it refuses the photo: no wait would change that."""
    headers = {"Content-Type": "image/jpeg"}
    try:
        answer = httpx.post(url + DETECT_PATH, content=photo, headers=headers, timeout=30.0, trust_env=False)
    except httpx.HTTPError:
        return False
    if 400 <= answer.status_code < 500 and answer.status_code not in _LATER:
        raise LookoutError(f"{log.stem} answered {answer.status_code}: {answer.text[:200]}", f"see {log}")
    return answer.status_code == httpx.codes.OK


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-_LOG_LINES:]) or "    (it printed nothing)"
