"""Twenty thousand photos leave the service as large as five thousand did."""

import http.client
import io
import itertools
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from PIL import Image

from lookout import contract
from service.model.photos import sample_photos
from tests.bench.processes import weigh
from tests.loopback.service import running

WARM, LAST = 5_000, 20_000
"""Requests before memory is first and last looked at: caches and the allocator's own have settled by the first."""
MOST_GROWTH = 0.02
_CLIENTS = 4
_SETTLE_S = 2.0


@pytest.mark.timeout(1800)  # at twenty photos a second, which a busy machine has
def test_memory_does_not_grow_with_requests() -> None:
    photos = _photos()
    with (
        running(stderr=subprocess.DEVNULL, queue_deadline_s="10") as (url, process),
        ThreadPoolExecutor(_CLIENTS) as clients,
    ):
        sent = itertools.count()
        resident = {}
        for goal in (WARM, LAST):
            jobs = [clients.submit(_ask, url, photos, sent, goal) for _ in range(_CLIENTS)]
            for job in jobs:
                job.result()
            time.sleep(_SETTLE_S)
            resident[goal] = weigh(process.pid).rss_mib
    growth = resident[LAST] / resident[WARM] - 1
    print(f"\nresident after {WARM:,}: {resident[WARM]:.1f} MiB, after {LAST:,}: {growth:+.2%}")
    assert growth <= MOST_GROWTH, resident


def _ask(url: str, photos: list[bytes], sent: Iterator[int], goal: int) -> None:
    """Send photo after photo on one connection until `goal` were sent by all clients together."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    # Each client may take one number too many; nobody minds.
    for number in itertools.takewhile(lambda number: number < goal, sent):
        connection.request("POST", contract.DETECT_PATH, photos[number % len(photos)], {"Content-Type": "image/jpeg"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
    connection.close()


def _photos() -> list[bytes]:
    """The sample photos, and one of them in sizes that are decoded at a half and at a quarter."""
    samples = sample_photos()
    original = Image.open(io.BytesIO(samples["motorcycle"]))
    return [*samples.values(), *(_resized(original, size) for size in ((1920, 1080), (3840, 2160)))]


def _resized(image: Image.Image, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    image.resize(size).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
