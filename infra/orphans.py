"""Plugins of a Pulumi that was killed. They outlive it, and one in the middle of a creation would go on with it."""

import os
import signal
import time
from pathlib import Path
from typing import Final

from infra import proc_stat

_GONE_WITHIN_S: Final = 10.0


def end(backend_url: str) -> list[int]:
    """End processes that worked for a Pulumi on this backend whose Pulumi is gone; returns their ids.

    They are known by PULUMI_BACKEND_URL in their environment, and by having no living `pulumi` above them. The node's
    own processes do not carry that variable (see infra.node.sandbox).
    """
    marker = f"PULUMI_BACKEND_URL={backend_url}".encode()
    mine = {os.getpid(), os.getppid()}
    orphans = [
        pid
        for pid in _processes()
        if pid not in mine and marker in _environment(pid) and _is_plugin(pid) and not _owned(pid)
    ]
    for pid in orphans:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + _GONE_WITHIN_S
    while any(proc_stat.running(pid) for pid in orphans) and time.monotonic() < deadline:
        time.sleep(0.02)
    return orphans


def _is_plugin(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"pulumi-language-" in command or b"pulumi-resource-" in command or b"pulumi.dynamic" in command


def _owned(pid: int) -> bool:
    """Whether a living `pulumi` is among the process's ancestors."""
    while pid > 1 and (process := proc_stat.read(pid)):
        if process.runs and _name(pid) == "pulumi":
            return True
        pid = process.parent
    return False


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
