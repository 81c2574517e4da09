"""Doing harm to a node from outside: what the kernel, a power cut or a clumsy administrator would do."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from infra.node import cgroups
from infra.node.cgroups import CGROUP_FS
from infra.node.spec import Node

_PERIOD_US: Final = 100_000


def kill(node: Node, words: str, group: str = "") -> int:
    """SIGKILL every process of the node whose command line holds `words`, in a control group that holds `group`.

    Returns how many there were. AssertionError where there was none: a disruption that hit nothing proves nothing.
    """
    hit = 0
    for pid in cgroups.processes(node):
        with suppress(OSError):
            command = _command(pid).decode(errors="replace").replace("\0", " ")
            if words in command and group in Path(f"/proc/{pid}/cgroup").read_text():
                os.kill(pid, signal.SIGKILL)
                hit += 1
    assert hit, f"no process of {node.name} has {words!r} in its command line"
    return hit


def hold_down(node: Node, words: str, for_s: float) -> None:
    """Kill a service as often as the node starts it again, for so long."""
    kill(node, words)
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        with suppress(AssertionError):
            kill(node, words)
        time.sleep(0.02)


def kill_a_sender() -> None:
    """SIGKILL one of the load generator's own sending processes, of the run that this process started."""
    senders = [pid for pid in _descendants(os.getpid()) if b"loadtest.generator.worker" in _command(pid)]
    assert len(senders) > 1, f"only {len(senders)} processes send"
    os.kill(senders[-1], signal.SIGKILL)


@contextmanager
def throttled(node: Node, pod_uid: str, share: float) -> Iterator[None]:
    """Give a pod this share of one core, as a busy neighbour or a smaller machine would."""
    file, before, limited = _quota(node, pod_uid, share)
    file.write_text(limited)
    try:
        yield
    finally:
        with suppress(OSError):  # the pod may be gone
            file.write_text(before)


def _descendants(pid: int) -> Iterator[int]:
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, file.read_text().split()):
            yield child
            yield from _descendants(child)


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _quota(node: Node, pod_uid: str, share: float) -> tuple[Path, str, str]:
    v2 = cgroups.layout() == "v2"
    base = (CGROUP_FS if v2 else CGROUP_FS / "cpu") / cgroups.cgroup_root(node).lstrip("/")
    (group,) = base.rglob(f"pod{pod_uid}")
    if v2:
        return group / "cpu.max", f"max {_PERIOD_US}", f"{round(share * _PERIOD_US)} {_PERIOD_US}"
    return group / "cpu.cfs_quota_us", "-1", f"{round(share * _PERIOD_US)}"
