"""A flood of the largest photos there are stays within what a pod is given for it."""

import io
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from PIL import Image

from lookout import contract
from service.memory import needed
from service.runtimes import RuntimeName
from service.settings import Settings
from tests.bench.processes import weigh
from tests.loopback.service import running

pytestmark = pytest.mark.loopback

WIDTH, HEIGHT = 8_000, 5_000
CLIENTS, SECONDS = 8, 40.0
_LOOK_EVERY_S = 0.1


@pytest.mark.parametrize(("workers", "runtime"), [(1, "openvino-int8"), (2, "openvino-int8"), (1, "tensorflow")])
def test_a_flood_of_forty_megapixels_stays_within_a_pods_memory(workers: int, runtime: RuntimeName) -> None:
    photos, statuses, peak = _photos(), Counter[str](), 0.0
    with running(stderr=subprocess.DEVNULL, threads=str(workers), runtime=runtime) as (url, process):
        idle = weigh(process.pid).pss_mib
        ends = time.monotonic() + SECONDS

        def ask(first: int) -> None:
            number = first
            with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
                while time.monotonic() < ends:
                    path = (contract.DETECT_PATH, contract.RENDER_PATH)[number % 2]
                    status = client.post(path, content=photos[number % len(photos)]).status_code
                    statuses[f"{path} {status}"] += 1
                    if status == httpx.codes.SERVICE_UNAVAILABLE:
                        time.sleep(0.1)
                    number += 1

        with ThreadPoolExecutor(CLIENTS) as clients:
            jobs = [clients.submit(ask, number) for number in range(CLIENTS)]
            while any(not job.done() for job in jobs):
                peak = max(peak, weigh(process.pid).pss_mib)
                time.sleep(_LOOK_EVERY_S)
            for job in jobs:
                job.result()
        time.sleep(2)
        after = weigh(process.pid)
    bound = needed(Settings(), workers, runtime) / 2**20
    weights = f"idle {idle:.0f} MiB, peak {peak:.0f} of {bound:.0f}, after {after.pss_mib:.0f}"
    print(f"\n{workers} {runtime}: {weights}; {statuses}")
    assert after.processes == 1 + workers
    assert statuses[f"{contract.DETECT_PATH} 200"] > 0
    assert statuses[f"{contract.RENDER_PATH} 200"] > 0
    assert not any(name.endswith((" 500", " 400")) for name in statuses)
    assert peak <= bound


def _photos() -> list[bytes]:
    """One of each kind that is dear to decode, at the largest size that is taken."""
    tile = np.random.default_rng(7).integers(0, 255, (50, 80, 3), dtype=np.uint8)
    photo = Image.fromarray(tile).resize((WIDTH, HEIGHT))
    return [
        _encoded(photo.convert("RGBA"), "WEBP", method=0),
        _encoded(photo.convert("CMYK"), "JPEG", progressive=True, subsampling=0),
        _encoded(Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257), "PNG", compress_level=1),
        _encoded(photo, "JPEG", progressive=True, subsampling=0),
    ]


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    assert len(sink.getvalue()) <= contract.MAX_IMAGE_BYTES
    return sink.getvalue()
