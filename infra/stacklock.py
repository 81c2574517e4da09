"""The lock of Pulumi's file backend: lifted when its owner is gone, respected when it is not."""

import json
import socket
from pathlib import Path

from infra import proc_stat
from lookout.errors import LookoutError


class StackBusyError(LookoutError):
    """Another Pulumi is working on the stack."""


def release_if_dead(backend: Path, stack: str) -> list[Path]:
    """Remove the locks of processes that no longer run on this machine; returns what was removed.

    StackBusyError when a lock's owner is alive, or on another machine.
    """
    removed = []
    for lock in locks(backend, stack):
        try:
            owner = json.loads(lock.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            owner = {}
        if _elsewhere(owner):
            raise StackBusyError(
                f"stack {stack} is locked by process {owner.get('pid')} on {owner.get('hostname')}",
                f"wait until it has ended there; if it never will: pulumi cancel --stack {stack}",
            )
        if _alive(owner):
            raise StackBusyError(
                f"another pulumi (process {owner['pid']}) is working on stack {stack}",
                "wait until it has ended, or interrupt it",
            )
        lock.unlink(missing_ok=True)
        removed.append(lock)
    return removed


def locks(backend: Path, stack: str) -> list[Path]:
    """The lock files of a stack."""
    return sorted((backend / ".pulumi" / "locks").glob(f"**/{stack}/*.json"))


def _elsewhere(owner: dict[str, object]) -> bool:
    return "hostname" in owner and owner["hostname"] != socket.gethostname()


def _alive(owner: dict[str, object]) -> bool:
    pid = owner.get("pid")
    if not isinstance(pid, int) or not proc_stat.running(pid):
        return False
    try:
        # A process number may have been given to another program since.
        return Path(f"/proc/{pid}/comm").read_text().strip().startswith("pulumi")
    except FileNotFoundError:
        return False
