"""The real service with TensorFlow: photos of clients that ask at the same time share runs of the model."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from lookout import contract
from service.model.photos import sample_photos
from tests.loopback.run_metrics import counted
from tests.loopback.service import running

pytestmark = pytest.mark.loopback

CLIENTS, EACH = 16, 3


def test_photos_of_clients_that_ask_at_the_same_time_share_runs() -> None:
    rates = {most: play(most) for most in (1, 16)}
    print(f"photos/s by LOOKOUT_MAX_BATCH: {rates}; ratio {rates[16] / rates[1]:.2f}")


def play(most: int) -> float:
    """Photos a second of all clients together."""
    photo = sample_photos()["chelsea"]
    service = running(
        stderr=subprocess.DEVNULL, runtime="tensorflow", threads="1", queue_deadline_s="20", max_batch=str(most)
    )
    with service as (url, _), ThreadPoolExecutor(CLIENTS) as clients:

        def ask(_: int) -> list[str]:
            with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
                answers = [client.post(contract.DETECT_PATH, content=photo) for _ in range(EACH)]
            assert [answer.status_code for answer in answers] == [200] * EACH
            return [one["label"] for answer in answers for one in answer.json()["detections"]]

        started = time.perf_counter()
        assert list(clients.map(ask, range(CLIENTS))) == [["cat"] * EACH] * CLIENTS
        rate = CLIENTS * EACH / (time.perf_counter() - started)
        runs, photos = counted(url)
    if most == 1:
        assert (runs, photos) == (0, 0)  # counted only where runs may be shared
    else:
        # While the first photo is worked on, at least two of the fifteen other clients' arrive.
        assert photos == CLIENTS * EACH
        assert runs <= photos / 2
    return rate
