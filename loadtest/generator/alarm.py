"""Waking a greenlet at an instant, to a tenth of a millisecond.

gevent's own timers end in epoll_wait, which counts in milliseconds and rounds up: every start would be half of one late
on average. A timerfd (timerfd_create(2), Linux) has nanoseconds and wakes the loop as any other file does.
"""

import ctypes
import os
import time
from typing import Any, Final

import gevent  # type: ignore[import-untyped]  # ships no types

_CLOCK_MONOTONIC: Final = 1
"""Of time.perf_counter on Linux, too: see `time.get_clock_info("perf_counter")`."""
_ABSOLUTE: Final = 1
_READABLE: Final = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Alarm:
    """One timer; one greenlet at a time may wait for it. OSError where the kernel has no timerfd."""

    def __init__(self) -> None:
        self._libc: Any = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        hub = gevent.get_hub()
        self._wait = hub.wait
        self._watcher = hub.loop.io(self._fd, _READABLE)

    def wait_until(self, instant: float) -> None:
        """Sleep until `instant`, in seconds of time.perf_counter; when it has passed, only let others run."""
        if instant <= time.perf_counter():
            gevent.sleep(0)  # a pacer that is behind must not keep what it started from starting
            return
        seconds = int(instant)
        spec = _Itimerspec(value=_Timespec(seconds, int((instant - seconds) * 1e9)))
        if self._libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(spec), None) != 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")
        self._wait(self._watcher)
        os.read(self._fd, 8)

    def close(self) -> None:
        """Give the descriptor back."""
        self._watcher.close()
        os.close(self._fd)
