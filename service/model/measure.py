"""How fast a model's runtimes are on this machine: photos a second from bytes to boxes, and the gain of batches.

Everything is measured in turn, round after round, so that what else the machine does meets all alike; figures are
medians over the rounds.
"""

import io
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Final

from PIL import Image
from pydantic import BaseModel, ConfigDict

from service import quota
from service.decode import decode_reduced
from service.model import batching, photos
from service.model.stored import StoredCard
from service.runtimes import RUNTIMES, RuntimeName, Session, detect, open_session

SIZES: Final = ((640, 480), (1920, 1080))
BATCHES: Final = (1, 2, 4, 8, 16)
_ROUNDS: Final = 5
_ROUND_S: Final = 1.0
_BATCH_ROUND_S: Final = 0.25
_PIXELS: Final = 1_000_000_000
_QUALITY: Final = 85

Progress = Callable[[str], None]


class Throughput(BaseModel):
    """Decoding and detecting in one process, as fast as it goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runtime: RuntimeName
    photo: str
    """Width x height of the JPEG."""
    sessions: int
    """Threads, each with a session of its own."""
    photos_per_s: float
    processor_ms_a_photo: float
    """Of all threads together: what hardly changes when the machine is busy with something else."""


class BatchTime(BaseModel):
    """Inference alone, on one thread."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runtime: RuntimeName
    batch: int
    ms_an_image: float


def throughput(model: Path, stored: StoredCard, progress: Progress) -> list[Throughput]:
    """Photos a second of each runtime, for each size of photo, with one session and with one a core."""
    cores = quota.usable_cores()
    # Of the photos' true contents nothing but the work of decoding matters here.
    original = next(iter(photos.sample_pixels().values()))
    jpegs = {size: _jpeg(Image.fromarray(original).resize(size)) for size in SIZES}
    sessions = {name: [open_session(name, model, stored.card) for _ in range(cores)] for name in RUNTIMES}
    found: dict[tuple[RuntimeName, tuple[int, int], int], list[tuple[float, float]]] = {}
    for number in range(_ROUNDS):
        progress(f"decoding and detecting, round {number + 1} of {_ROUNDS}")
        for name, opened in sessions.items():
            for size, jpeg in jpegs.items():
                for count in {1, cores}:
                    speed = _speed(opened[:count], jpeg, stored.needed(name))
                    found.setdefault((name, size, count), []).append(speed)
    return [
        Throughput(
            runtime=name,
            photo=f"{width}x{height}",
            sessions=count,
            photos_per_s=round(median(rate for rate, _ in speeds), 1),
            processor_ms_a_photo=round(1000 * median(processor_s for _, processor_s in speeds), 2),
        )
        for (name, (width, height), count), speeds in sorted(found.items())
    ]


def batches(model: Path, stored: StoredCard, progress: Progress) -> list[BatchTime]:
    """Inference of each runtime by the number of images given at once."""
    runs = {
        (name, size): batching.runner(name, model, stored.card, size) for name in batching.RUNTIMES for size in BATCHES
    }
    found: dict[tuple[RuntimeName, int], list[float]] = {}
    for number in range(_ROUNDS):
        progress(f"batches, round {number + 1} of {_ROUNDS}")
        for (name, size), run in runs.items():
            found.setdefault((name, size), []).append(_run_s(run))
    return [
        BatchTime(runtime=name, batch=size, ms_an_image=round(1000 * median(times) / size, 2))
        for (name, size), times in found.items()
    ]


def _run_s(run: Callable[[], object]) -> float:
    """Mean seconds of a run, in a row of them: the first one finds caches full of what ran before it."""
    run()
    started, done = time.perf_counter(), 0
    while not done or time.perf_counter() - started < _BATCH_ROUND_S:
        run()
        done += 1
    return (time.perf_counter() - started) / done


def _speed(sessions: Sequence[Session], jpeg: bytes, needed: tuple[int, int] | None) -> tuple[float, float]:
    """Photos a second, and seconds of processor time a photo, of these sessions together, each on its own thread."""
    end = time.perf_counter() + _ROUND_S

    def work(session: Session) -> int:
        done = 0
        while time.perf_counter() < end:
            detect(session, decode_reduced(jpeg, "", _PIXELS, needed).pixels, 0.5, 20)
            done += 1
        return done

    started, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(len(sessions)) as pool:
        done = sum(pool.map(work, sessions))
    return done / (time.perf_counter() - started), (time.process_time() - used) / done


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
