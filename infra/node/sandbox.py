"""The node's namespaces: made, entered, found again and removed without a trace.

The node is one process tree in network, mount, PID and UTS namespaces of its own. Its first process is
`infra.node.init`; killing that one kills everything. The network namespace has a name, so the tree can also be found
when its first process is unknown, for example after a crash between start and bookkeeping.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from infra import proc_stat
from infra.node import cgroups
from infra.node.network import netns_path
from infra.node.spec import Node
from lookout import paths
from lookout.errors import LookoutError
from lookout.files import write_whole

_DIE_WITHIN_S: Final = 10.0
_SOCKET_WITHIN_S: Final = 30.0


def start(node: Node, doors: Mapping[str, socket.socket]) -> None:
    """Start the node's first process with the doors in its hands; it outlives this process and its terminal."""
    descriptors = {name: listener.fileno() for name, listener in doors.items()}
    log = node.directory / "logs" / "init.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = ["nsenter", f"--net={netns_path(node)}", "unshare", "--mount", "--pid", "--uts", "--fork"]
    command += ["--kill-child", "--mount-proc", sys.executable, "-m", "infra.node.init"]
    command += [str(node.directory / "spec.json"), json.dumps(descriptors)]
    with log.open("a") as sink:
        started = subprocess.Popen(
            command,
            cwd=paths.PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            pass_fds=tuple(descriptors.values()),
            env=_environment(),
        )
    cgroups.join(node, started.pid)  # the first process itself joins as the first thing it does
    _remember(node, started)


def first_process(node: Node) -> int | None:
    """Process id (as the host counts) of the running node's first process, or None."""
    try:
        kept = json.loads((node.directory / "init.json").read_text())
        pid, started, boot = int(kept["pid"]), int(kept["started"]), kept["boot"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    process = proc_stat.running(pid)
    return pid if process and boot == _boot() and process.start_ticks == started else None


def started_at(node: Node) -> datetime | None:
    """The second in which the running node was started, or None."""
    if first_process(node) is None:
        return None
    return datetime.fromtimestamp(int((node.directory / "init.json").stat().st_mtime), UTC)


def wait_for_containerd(node: Node) -> None:
    """Wait until the container runtime of a started node listens. LookoutError when the node ends or it takes long."""
    deadline = time.monotonic() + _SOCKET_WITHIN_S
    while time.monotonic() < deadline:
        pid = first_process(node)
        if pid is None:
            break
        if Path(f"/proc/{pid}/root/run/containerd/containerd.sock").exists():
            return
        time.sleep(0.05)
    raise LookoutError(f"containerd did not start in {node.name}", f"see {node.directory / 'logs'}")


def enter(node: Node, command: Sequence[str | Path]) -> list[str]:
    """The command line that runs `command` inside the node. LookoutError when the node does not run."""
    pid = first_process(node)
    if pid is None:
        raise LookoutError(f"node {node.name} is not running", "run: lookout node up")
    return ["nsenter", f"--target={pid}", "--mount", "--net", "--uts", "--pid", "--", *(str(word) for word in command)]


def kill(node: Node) -> None:
    """End every process of the node, known or not, and wait until they are gone."""
    _refuse_another_owner(node)
    deadline = time.monotonic() + _DIE_WITHIN_S
    pid = first_process(node)
    if pid is not None:
        _signal(pid)
    while remaining := _members(node):
        for pid in remaining:
            _signal(pid)
        if time.monotonic() > deadline:
            raise LookoutError(f"processes of node {node.name} do not end: {sorted(remaining)}")
        time.sleep(0.02)
    (node.directory / "init.json").unlink(missing_ok=True)


def _remember(node: Node, started: subprocess.Popen[bytes]) -> None:
    """Find the child that is process 1 of the new PID namespace and write down who it is."""
    deadline = time.monotonic() + _DIE_WITHIN_S
    own = Path("/proc/self/ns/pid").stat().st_ino
    while time.monotonic() < deadline:
        if started.poll() is not None:
            raise LookoutError(
                f"the node's first process ended at once with code {started.returncode}",
                f"see {node.directory / 'logs' / 'init.log'}",
            )
        children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
        for child in children:
            try:
                process = proc_stat.running(int(child))
                if process and Path(f"/proc/{child}/ns/pid").stat().st_ino != own:
                    kept = {"pid": int(child), "started": process.start_ticks, "boot": _boot()}
                    write_whole(node.directory / "init.json", json.dumps(kept))
                    return
            except FileNotFoundError:
                continue
        time.sleep(0.01)
    raise LookoutError("the node's first process was not found", "run: lookout node down, then up")


def _members(node: Node) -> set[int]:
    """Processes in the node's network namespace (its pods have others) and in its control groups."""
    found = cgroups.processes(node)
    if netns_path(node).exists():
        inode = netns_path(node).stat().st_ino
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "ns/net").stat().st_ino == inode:
                    found.add(int(entry.name))
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
    return {pid for pid in found if pid != os.getpid() and proc_stat.running(pid)}


def _refuse_another_owner(node: Node) -> None:
    """Names are the machine's, state directories are not: never end a node that was started from another one."""
    mine = str(node.directory / "spec.json")
    for pid in _members(node):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "infra.node.init" in words:
            theirs = words[words.index("infra.node.init") + 1]
            if theirs != mine:
                raise LookoutError(
                    f"another node called {node.name} runs on this machine, from {Path(theirs).parent}",
                    "take that one down first, or give this one another name: lookout:local.name in Pulumi.local.yaml",
                )


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _environment() -> dict[str, str]:
    """What the node's processes inherit: nothing of the caller's secrets, only where things live."""
    kept = ("PATH", "HOME", "LANG", "XDG_CACHE_HOME", "XDG_STATE_HOME")
    variables = {name: os.environ[name] for name in kept if name in os.environ}
    variables |= {name: value for name, value in os.environ.items() if name.startswith("LOOKOUT_TOOL_")}
    return variables


def _signal(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
