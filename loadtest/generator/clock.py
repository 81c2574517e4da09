"""Noticing that a clock jumped: a machine that slept, was paused or had its time set measures nothing."""

import time
from collections.abc import Callable
from typing import Final

JUMP_S: Final = 1.0
"""Wall clock and steady clock drift apart by microseconds a second; more than this between two looks is a jump."""


class ClockWatch:
    """Compares the wall clock with the steady one; both are given in seconds."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.perf_counter) -> None:
        self._wall, self._steady = wall, steady
        self._apart_s = wall() - steady()
        self.jumps = 0

    def look(self) -> None:
        """Count a jump since the last look."""
        apart_s = self._wall() - self._steady()
        if abs(apart_s - self._apart_s) > JUMP_S:
            self.jumps += 1
        self._apart_s = apart_s
