"""Bounds on what one process holds at once: bodies on their way in, and photos while they are decoded and judged."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service import problems


class BodyBudget:
    """Bytes that the bodies of all requests may occupy together. It belongs to the event loop: no lock."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.held = 0

    @contextmanager
    def account(self) -> Iterator[Callable[[int], None]]:
        """For the length of a request: call it with each number of bytes received. Problem 503 once all are taken
        and others hold some of them."""
        own = 0

        def take(count: int) -> None:
            nonlocal own
            # One alone is bounded by the limits of its kind: were it refused here, it would be refused for ever.
            if self.held > own and self.held + count > self._most:
                raise problems.over_capacity("bodies")
            self.held += count
            own += count

        try:
            yield take
        finally:
            self.held -= own


class PixelRoom:
    """Bytes that photos may occupy together while compute threads decode, judge and draw on them.

    Waiting is first come, first served, so that a large photo is not passed by small ones for ever.
    """

    def __init__(self, size: int) -> None:
        self._size = self.free = size
        self._turn = threading.Lock()
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, count: int) -> Iterator[None]:
        """Wait until `count` bytes are free (all of them, when it is more than there are) and hold them."""
        held = min(count, self._size)
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self.free >= held)
            self.free -= held
        try:
            yield
        finally:
            with self._changed:
                self.free += held
                self._changed.notify_all()
