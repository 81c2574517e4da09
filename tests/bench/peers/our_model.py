"""Our model, runtime and decoding as one function: what the peers that run our model serve."""

import os
import queue
from pathlib import Path
from typing import Any, Final

import numpy as np

from service.decode import decode_reduced
from service.model.stored import read_card
from service.results import detections
from service.runtimes import detect, open_session
from service.settings import Settings
from tests.bench.peers.nothing import Nothing

MODEL: Final = "BENCH_MODEL"
"""Names the model's folder; empty or unset stands for a model that does nothing."""
SESSIONS: Final = "BENCH_SESSIONS"
"""How many photos one process works on at once."""
THREADS: Final = "BENCH_THREADS"
"""Threads inside each session."""
_THRESHOLD: Final = 0.5
_LIMIT: Final = 20
_GREY: Final = np.full((480, 640, 3), 128, np.uint8)


class OurModel:
    """From a photo's bytes to the detections that our service would find. Any number of threads may call it."""

    def __init__(self, sessions: int | None = None) -> None:
        folder = os.environ.get(MODEL)
        stored = read_card(Path(folder)) if folder else None
        self._labels = stored.card.labels if stored else {}
        self._needed = stored.needed(stored.runtime) if stored else None
        self._most_pixels = Settings().max_image_pixels
        # Borrowed and given back: a session belongs to one thread at a time, and no more work runs than there are.
        self._sessions: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(sessions or int(os.environ.get(SESSIONS, "1"))):
            threads = int(os.environ.get(THREADS, "1"))
            opened = open_session(stored.runtime, Path(folder or ""), stored.card, threads) if stored else Nothing()
            # Here, one after the other, as the service does: OpenVINO 2026.4 can wait for itself for ever where two
            # threads have their first photo at once (its bindings set themselves up on first use).
            detect(opened, _GREY, _THRESHOLD, _LIMIT)
            self._sessions.put(opened)

    def __call__(self, photo: bytes) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        session = self._sessions.get()
        try:
            decoded = decode_reduced(photo, "image/jpeg", self._most_pixels, self._needed)
            found = detect(session, decoded.pixels, _THRESHOLD, _LIMIT)
        finally:
            self._sessions.put(session)
        width, height = decoded.width, decoded.height
        size = {"width": width, "height": height}
        return {"image": size, "detections": detections(found, **size, labels=self._labels)}
