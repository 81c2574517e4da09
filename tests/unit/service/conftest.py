"""The app over a made-up session, so that intake and answers are judged without any model."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from service import worker, worker_process
from service.app import create_app
from service.model import card as cards
from service.model.stored import CARD_FILE, StoredCard
from service.postprocess import Detections
from service.settings import Settings

ClientFactory = Callable[..., TestClient]


class FakeSession:
    """Sees two fixed objects on whatever it is shown."""

    def prepare(self, image: Any) -> Any:
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3
        return image

    def infer(self, prepared: Any) -> Any:
        return prepared

    def finish(self, raw: Any, threshold: float, limit: int) -> Detections:
        del raw
        found = Detections(
            np.array([[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0]], np.float32),
            np.array([0.9, 0.4], np.float32),
            np.array([17, 67]),
        )
        return found.first(limit, threshold)


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    """A folder with a model's card and nothing else."""
    stored = StoredCard(card=cards.load(), version="0123456789ab", runtime="litert-int8")
    (tmp_path / CARD_FILE).write_text(stored.model_dump_json())
    return tmp_path


class WorkerThread:
    """A worker in a thread of this process, as a Process."""

    def __init__(self, connection: socket.socket) -> None:
        own = connection.dup()
        self._thread = threading.Thread(target=worker.serve, args=(own,), name="worker", daemon=True)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> int:
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise subprocess.TimeoutExpired("worker", timeout or 0.0)
        return 0

    def kill(self) -> None:
        raise AssertionError("a worker did not end by itself")


@pytest.fixture
def workers_are_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers start in no time, and a test can reach into them."""
    monkeypatch.setattr(worker_process, "launch", WorkerThread)


@pytest.fixture
def make_client(model_dir: Path, monkeypatch: pytest.MonkeyPatch, workers_are_threads: None) -> Iterator[ClientFactory]:  # noqa: ARG001
    """Clients of an app whose sessions are made up; `session` replaces them, settings come by name."""
    opened: list[TestClient] = []

    def make(session: Callable[[], Any] = FakeSession, **settings: Any) -> TestClient:
        monkeypatch.setattr(worker, "open_session", lambda *_: session())
        app = create_app(model_dir, Settings(**({"threads": 1} | settings)))
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        opened.append(client)
        _wait_until_loaded(client)
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client: ClientFactory) -> TestClient:
    """A client with the default settings and one thread."""
    return make_client()


def _wait_until_loaded(client: TestClient) -> None:
    for _ in range(200):
        answer = client.get("/readyz")
        if answer.status_code == 200 or "failed" in answer.text:
            return
        client.portal.call(_pause) if client.portal else None
    raise AssertionError("the app did not become ready")


async def _pause() -> None:
    import asyncio

    await asyncio.sleep(0.01)


def until(holds: Callable[[], bool]) -> None:
    """Return once something holds; AssertionError after ten seconds."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)
