"""A real service process under SIGTERM: readiness goes first, requests go on, and only then the process."""

import http.client
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lookout import contract
from service.model.importer import import_model
from service.model.photos import sample_photos
from tests.loopback.service import running

pytestmark = pytest.mark.loopback

DRAIN_S = 1.5


@pytest.fixture
def server() -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    with running(drain_s=str(DRAIN_S)) as (url, process):
        yield int(url.rpartition(":")[2]), process


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """A server whose model is named and described, yet cannot be loaded."""
    shutil.copytree(import_model().path, tmp_path / "model")
    for file in (tmp_path / "model").glob("*.xml"):
        file.write_text("rubbish")
    with running(tmp_path / "model", wait=False, drain_s=str(DRAIN_S)) as (url, process):
        yield int(url.rpartition(":")[2]), process


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, {"Content-Type": "image/jpeg"} if body else {})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("connection")
    finally:
        connection.close()


def test_sigterm_turns_readiness_off_then_drains_then_ends(server: tuple[int, "subprocess.Popen[bytes]"]) -> None:
    port, process = server
    photo = sample_photos()["chelsea"]
    assert ask(port, "POST", contract.DETECT_PATH, photo) == (200, None)

    # A client in the middle of sending its photo when SIGTERM comes.
    slow = socket.create_connection(("127.0.0.1", port), timeout=20)
    head = f"POST {contract.DETECT_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
    head += f"Content-Length: {len(photo)}\r\n\r\n"
    slow.sendall(head.encode() + photo[:1000])
    process.send_signal(signal.SIGTERM)
    signalled = time.monotonic()
    time.sleep(0.2)

    assert ask(port, "GET", contract.READINESS_PATH)[0] == 503
    assert ask(port, "GET", contract.LIVENESS_PATH)[0] == 200
    assert ask(port, "POST", contract.DETECT_PATH, photo) == (200, "close")

    # It finishes after the drain is over, and is still answered.
    time.sleep(max(0.0, DRAIN_S + 0.3 - (time.monotonic() - signalled)))
    slow.sendall(photo[1000:])
    assert b"200 OK" in slow.recv(4096)
    slow.close()
    process.wait(timeout=10)
    with pytest.raises(OSError, match="refused"):
        ask(port, "GET", contract.LIVENESS_PATH)


def test_ends_when_told_to_stop_before_it_has_a_model_and_takes_no_photo(
    broken: tuple[int, "subprocess.Popen[bytes]"],
) -> None:
    port, process = broken
    wait_until_it_listens(port)
    process.send_signal(signal.SIGTERM)
    assert ask(port, "POST", contract.DETECT_PATH, sample_photos()["chelsea"])[0] == 503
    process.wait(timeout=DRAIN_S + 15)


def wait_until_it_listens(port: int) -> None:
    for _ in range(600):
        try:
            ask(port, "GET", contract.LIVENESS_PATH)
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the service did not listen within 30 s")
