"""A server with all its processes: ending, pausing and weighing the whole tree."""

import contextlib
import signal
import time
from collections.abc import Iterable
from typing import Any, Final

import psutil  # type: ignore[import-untyped]  # ships no types

from tests.bench.record import Memory

_MIB: Final = 1024 * 1024
_SETTLED_FOR_S: Final = 0.7
_IDLE_SHARE: Final = 0.1
"""Of one core."""
_ENDS_WITHIN_S: Final = 5.0
_STOPS_WITHIN_S: Final = 2.0
_POLL_S: Final = 0.005


def tree(pid: int) -> list[Any]:
    """The process and what it started, the eldest first; empty when it is gone.

    By parent, not by process group: BentoML's supervisor gives each worker a session of its own.
    """
    try:
        eldest = psutil.Process(pid)
        return [eldest, *eldest.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def pause(pid: int) -> None:
    """Stop every process, so that a server that waits for its turn takes no processor time."""
    processes = tree(pid)
    _signal(processes, signal.SIGSTOP)
    deadline = time.monotonic() + _STOPS_WITHIN_S
    while any(_runs(one) for one in processes) and time.monotonic() < deadline:
        time.sleep(_POLL_S)  # a process that is running stops when the kernel next looks at it


def resume(pid: int) -> None:
    """Let every process run on."""
    _signal(tree(pid), signal.SIGCONT)


def end(pid: int) -> None:
    """Ask all to end, and kill what has not after some seconds."""
    processes = tree(pid)
    _signal(processes, signal.SIGCONT)
    _signal(processes[:1], signal.SIGTERM)
    _, alive = psutil.wait_procs(processes, timeout=_ENDS_WITHIN_S)
    _signal(alive, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=_ENDS_WITHIN_S)


def settle(pid: int, within_s: float) -> None:
    """Return once all of them together use hardly any processor time: then nothing is loading any more."""
    deadline = time.monotonic() + within_s
    before = _spent_s(pid)
    while time.monotonic() < deadline:
        time.sleep(_SETTLED_FOR_S)
        now = _spent_s(pid)
        if now - before < _IDLE_SHARE * _SETTLED_FOR_S:
            return
        before = now


def weigh(pid: int) -> Memory:
    """Memory of the whole tree now."""
    processes, rss, pss = 0, 0, 0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            found = process.memory_full_info()
            processes, rss, pss = processes + 1, rss + found.rss, pss + found.pss
    return Memory(processes=processes, rss_mib=round(rss / _MIB, 1), pss_mib=round(pss / _MIB, 1))


def _runs(process: Any) -> bool:
    try:
        return process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _spent_s(pid: int) -> float:
    """Processor time of the whole tree until now."""
    total = 0.0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _signal(processes: Iterable[Any], number: int) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
