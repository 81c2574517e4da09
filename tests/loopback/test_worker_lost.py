"""A worker that is killed, as the kernel does for want of memory, is one photo's end and not the service's."""

import os
import signal
import threading
import time
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from lookout import contract
from service.model.photos import sample_photos
from tests.loopback.known_service import known

pytestmark = pytest.mark.loopback

SERVICE_S = 0.5


def test_a_killed_worker_costs_its_photo_and_is_replaced(tmp_path: Path) -> None:
    photo, statuses = sample_photos()["chelsea"], list[int]()
    with known(tmp_path, SERVICE_S, threads="2", queue_deadline_s="10") as (url, process):

        def ask() -> None:
            answer = httpx.post(url + contract.DETECT_PATH, content=photo, timeout=20, trust_env=False)
            statuses.append(answer.status_code)

        clients = [threading.Thread(target=ask) for _ in range(6)]
        for client in clients:
            client.start()
        time.sleep(SERVICE_S / 2)
        server = psutil.Process(process.pid)
        doomed, other = server.children()
        assert doomed.nice() == other.nice() > server.nice()  # who computes lets go first who speaks HTTP
        os.kill(doomed.pid, signal.SIGKILL)
        for client in clients:
            client.join()
        assert sorted(statuses) == [200] * 5 + [500]
        metrics = _metrics_with(url, f"{contract.METRIC_WORKERS} 2.0")
        assert f"{contract.METRIC_WORKERS_LOST} 1.0" in metrics
        assert other.is_running()
        ask()
        assert statuses[-1] == 200
        process.send_signal(signal.SIGTERM)
        workers = server.children()
        assert process.wait(20) is not None
        _, alive = psutil.wait_procs(workers, timeout=5)
        assert alive == []


def _metrics_with(url: str, line: str) -> list[str]:
    for _ in range(200):
        lines = httpx.get(url + contract.METRICS_PATH, trust_env=False).text.splitlines()
        if line in lines:
            return lines
        time.sleep(0.05)
    raise AssertionError(f"{line} did not come")
