"""What this process may really use: the cgroup's quotas, not the node's cores and memory.

A runtime sized to the node inside a container with a quota of two cores is throttled most of the time
(kserve/kserve#1031, tensorflow/serving#1618).
"""

import math
import os
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/sys/fs/cgroup")
_OWN: Final = Path("/proc/self/cgroup")
_UNLIMITED: Final = 2**60
"""Version 1 has no word for it, but a number that no machine has."""


def usable_cores(cgroup: Path = _ROOT, proc: Path = _OWN) -> int:
    """Cores by CPU affinity, cut to the tightest CPU quota of this cgroup and its parents; at least 1.

    A fraction is rounded up: with a quota of 1.5 cores, one thread would leave a third of it unused.
    """
    quotas = [quota for folder in _folders(cgroup, proc, "cpu") if (quota := _quota(folder)) is not None]
    return max(1, min([len(os.sched_getaffinity(0)), *(math.ceil(quota) for quota in quotas)]))


def memory_limit(cgroup: Path = _ROOT, proc: Path = _OWN) -> int | None:
    """Bytes of the tightest memory limit of this cgroup and its parents; None where there is none."""
    limits = [limit for folder in _folders(cgroup, proc, "memory") if (limit := _limit(folder)) is not None]
    return min(limits, default=None)


def _folders(cgroup: Path, proc: Path, controller: str) -> list[Path]:
    """The folders whose quotas bind this process: in version 2 the unified tree, in version 1 the controller's own."""
    try:
        lines = [line.split(":", 2) for line in proc.read_text().splitlines()]
    except OSError:
        return [cgroup]
    found = [cgroup]
    for _, controllers, path in (line for line in lines if len(line) == 3):
        names = controllers.split(",")
        roots = (
            [cgroup]
            if controllers == ""
            else [cgroup / controllers, cgroup / controller]
            if controller in names
            else []
        )
        for root in roots:
            own = root / path.lstrip("/")
            found += [root, *(folder for folder in (own, *own.parents) if folder.is_relative_to(root))]
    return list(dict.fromkeys(found))


def _quota(folder: Path) -> float | None:
    """Cores that a cgroup folder allows, or None when it sets no bound."""
    try:
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text().split()[:2]
            return None if quota == "max" else int(quota) / int(period)
        quota_us = int((folder / "cpu.cfs_quota_us").read_text())
        return None if quota_us <= 0 else quota_us / int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _limit(folder: Path) -> int | None:
    """Bytes that a cgroup folder allows, or None when it sets no bound."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        try:
            limit = int((folder / name).read_text())
        except (OSError, ValueError):  # not of this version, or "max"
            continue
        return limit if limit < _UNLIMITED else None
    return None
