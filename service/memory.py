"""Bounds on what the service holds at once: bodies on their way in, and photos while they are decoded and judged."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Final

from service import problems, quota
from service.decode import MOST_PEAK_BYTES
from service.runtimes import RuntimeName
from service.settings import Settings

HTTP_BYTES: Final = 130 * 1024**2
"""The HTTP process with the libraries that it shares with its workers; measured."""
_WORKER_BYTES: Final = 90 * 1024**2
"""What each worker adds, its model loaded; measured."""
_TENSORFLOW_BYTES: Final = 900 * 1024**2
"""The same of one that computes with TensorFlow, measured on a CPU; what CUDA takes of the host's memory is not known
here."""
_TENSORFLOW_PHOTO_BYTES: Final = 20 * 1024**2
"""What TensorFlow takes for each photo of a run beside the first; measured."""
_TENSORFLOW_PIXEL_BYTES: Final = 16
"""What it takes for each pixel of the largest photo: it gets them all and makes floating-point numbers of them, where
the others get as many as the model looks at."""

TOGETHER_BYTES: Final = 1024**2
"""A photo that a worker gets beside others is at most so large, as it was sent: a JPEG of some 3 Mpixel, or the bare
pixels of 640 x 480."""


def needed(settings: Settings, workers: int, runtime: RuntimeName) -> int:
    """Bytes that the service may come to with so many workers of that runtime, whatever is sent to it: bodies, the
    photos that each worker received, the room for pixels, and the processes themselves."""
    received = max(settings.max_image_bytes, settings.max_batch * TOGETHER_BYTES)
    pixels = settings.max_image_pixels * MOST_PEAK_BYTES
    return settings.max_held_bytes + pixels + HTTP_BYTES + workers * (received + _worker_bytes(settings, runtime))


def workers(settings: Settings, runtime: RuntimeName) -> int:
    """How many workers there shall be: what the settings say, or one a core as far as they fit the memory limit.

    On a GPU one: they would take turns on it, each with a context of its own.
    """
    if settings.threads:
        return settings.threads
    if settings.require_gpu:
        return 1
    limit = quota.memory_limit()
    fitting = (
        count
        for count in range(quota.usable_cores(), 1, -1)
        if limit is None or needed(settings, count, runtime) <= limit
    )
    return next(fitting, 1)


def _worker_bytes(settings: Settings, runtime: RuntimeName) -> int:
    if runtime != "tensorflow":
        return _WORKER_BYTES
    run = (settings.max_batch - 1) * _TENSORFLOW_PHOTO_BYTES
    return _TENSORFLOW_BYTES + run + settings.max_image_pixels * _TENSORFLOW_PIXEL_BYTES


class BodyBudget:
    """Bytes that the bodies of all requests may occupy together. It belongs to the event loop: no lock."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.held = 0

    def account(self) -> "Account":
        """For the length of a request."""
        return Account(self)

    def refuses(self, count: int, own: int) -> bool:
        """Whether there is no room for so many more bytes of a request that holds `own`. One alone is bounded by the
        limits of its kind: were it refused here, it would be refused for ever."""
        return self.held > own and self.held + count > self._most


class Account:
    """What one request holds of the budget. Within it, call the function with each number of bytes received: Problem
    503 once all are taken and others hold some of them."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget, self._own = budget, 0

    def __enter__(self) -> Callable[[int], None]:
        return self._take

    def __exit__(self, *_: object) -> None:
        self._budget.held -= self._own

    def _take(self, count: int) -> None:
        if self._budget.refuses(count, self._own):
            raise problems.over_capacity("bodies")
        self._budget.held += count
        self._own += count


class PixelRoom:
    """Bytes that photos may occupy together while workers decode, judge and draw on them; never more than `size`.

    An eighth of it belongs to the workers in equal shares, so that small photos need not ask. The rest is asked for,
    first come, first served: a large photo is not passed by small ones for ever. Any thread may call it.
    """

    def __init__(self, size: int, workers: int) -> None:
        self.share = size // 8 // workers
        """What each worker has for itself."""
        self.size = self.free = size - self.share * workers
        self._asked: deque[tuple[int, Callable[[int], object]]] = deque()
        self._lock = threading.Lock()

    def ask(self, count: int, granted: Callable[[int], object]) -> None:
        """Call `granted` once `count` bytes are free, or all there are when it is more: perhaps at once, perhaps from
        the thread that gives them back. It hears how many it got, which are to be given back."""
        with self._lock:
            self._asked.append((min(count, self.size), granted))
        self._grant()

    def give_back(self, count: int) -> None:
        """Of what was granted."""
        with self._lock:
            self.free += count
        self._grant()

    @contextmanager
    def hold(self, count: int) -> Iterator[None]:
        """Wait until `count` bytes are free and hold them. Not for the event loop."""
        granted: SimpleQueue[int] = SimpleQueue()
        self.ask(count, granted.put)
        held = granted.get()
        try:
            yield
        finally:
            self.give_back(held)

    def _grant(self) -> None:
        while True:
            with self._lock:
                if not self._asked or self._asked[0][0] > self.free:
                    return
                count, granted = self._asked.popleft()
                self.free -= count
            granted(count)
