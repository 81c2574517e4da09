"""How many cores this process may really use: the cgroup's CPU quota, not the node's core count.

A runtime sized to the node inside a container with a quota of two cores is throttled most of the time
(kserve/kserve#1031, tensorflow/serving#1618).
"""

import math
import os
from pathlib import Path


def usable_cores(cgroup: Path = Path("/sys/fs/cgroup"), proc: Path = Path("/proc/self/cgroup")) -> int:
    """Cores by CPU affinity, cut to the tightest CPU quota of this cgroup and its parents; at least 1.

    A fraction is rounded up: with a quota of 1.5 cores, one thread would leave a third of it unused.
    """
    quotas = [quota for folder in _folders(cgroup, proc) if (quota := _quota(folder)) is not None]
    return max(1, min([len(os.sched_getaffinity(0)), *(math.ceil(quota) for quota in quotas)]))


def _folders(cgroup: Path, proc: Path) -> list[Path]:
    """The folders whose quotas bind this process: in version 2 the unified tree, in version 1 the cpu controller's."""
    try:
        lines = [line.split(":", 2) for line in proc.read_text().splitlines()]
    except OSError:
        return [cgroup]
    found = [cgroup]
    for _, controllers, path in (line for line in lines if len(line) == 3):
        names = controllers.split(",")
        roots = [cgroup] if controllers == "" else [cgroup / controllers, cgroup / "cpu"] if "cpu" in names else []
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
