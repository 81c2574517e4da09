"""The node's namespaces: made, entered, found again and removed without a trace.

The node is one process tree in network, mount, PID and UTS namespaces of its own. Its first process is
`infra.node.init`; killing that one kills everything. The network namespace has a name, so the tree can also be found
when its first process is unknown, for example after a crash between start and bookkeeping.
"""

import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from infra.node import cgroups
from infra.node.spec import NodeSpec
from lookout import paths
from lookout.errors import LookoutError
from lookout.files import write_whole
from lookout.process import run

_DIE_WITHIN_S: Final = 10.0


def netns(spec: NodeSpec) -> str:
    """Name of the node's network namespace."""
    return f"lookout-{spec.name}"


def veth(spec: NodeSpec) -> str:
    """Name of the host's end of the cable."""
    return f"lk-{spec.name}"


def refuse_taken_ranges(spec: NodeSpec) -> None:
    """LookoutError when a route of this machine, other than the node's own, overlaps the node's ranges."""
    wanted = (spec.link_cidr, spec.pod_cidr, spec.service_cidr)
    taken = set()
    for route in json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]) or "[]"):
        destination = route.get("dst", "default")
        if destination == "default" or route.get("dev") == veth(spec) or route.get("type") == "broadcast":
            continue
        network = ipaddress.IPv4Network(destination, strict=False)
        if network.prefixlen <= 1:  # a VPN's halves of the default route
            continue
        taken |= {f"{mine} overlaps route {network} on {route.get('dev')}" for mine in wanted if mine.overlaps(network)}
    if taken:
        raise LookoutError(
            f"address ranges are taken: {'; '.join(sorted(taken))}",
            "choose others: lookout:local.linkCidr, podCidr, serviceCidr in Pulumi.local.yaml",
        )


def open_doors(spec: NodeSpec, *, held: Collection[int] = ()) -> dict[str, socket.socket]:
    """Listening sockets on loopback, one a door; the node inherits them. LookoutError names every port in use.

    Ports in `held` are left out: the running node holds them itself.
    """
    doors: dict[str, socket.socket] = {}
    taken = []
    for name, port in spec.doors.model_dump().items():
        if port in held:
            continue
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(1024)
        except OSError as error:
            taken.append(f"{port} ({name}: {error.strerror})")
            listener.close()
            continue
        doors[name] = listener
    if taken:
        for listener in doors.values():
            listener.close()
        raise LookoutError(
            f"ports on 127.0.0.1 cannot be opened: {', '.join(taken)}",
            "free them, or move the doors: lookout:local.doors in Pulumi.local.yaml",
        )
    return doors


def connect(spec: NodeSpec) -> None:
    """Make the network namespace, the cable and the routes to pods and services; what is there already stays."""
    if not _netns_path(spec).exists():
        run(["ip", "netns", "add", netns(spec)])
    inside = ["ip", "-n", netns(spec)]
    if not Path(f"/sys/class/net/{veth(spec)}").exists():
        run(["ip", "link", "add", veth(spec), "type", "veth", "peer", "name", "eth0", "netns", netns(spec)])
    run(["ip", "address", "replace", f"{spec.host_address}/30", "dev", veth(spec)])
    run(["ip", "link", "set", veth(spec), "up"])
    run([*inside, "address", "replace", f"{spec.address}/30", "dev", "eth0"])
    run([*inside, "link", "set", "lo", "up"])
    run([*inside, "link", "set", "eth0", "up"])
    # kubeadm and kube-proxy ask for a default route. It leads to the host, which has no way back into the node's
    # ranges for strangers and translates no address, so nothing comes of it.
    run([*inside, "route", "replace", "default", "via", str(spec.host_address)])
    for cidr in (spec.pod_cidr, spec.service_cidr):
        run(["ip", "route", "replace", str(cidr), "via", str(spec.address)])


def start(spec: NodeSpec) -> None:
    """Start the node's first process with the doors in its hands; it outlives this process and its terminal."""
    doors = open_doors(spec)
    try:
        descriptors = {name: listener.fileno() for name, listener in doors.items()}
        log = spec.directory / "logs" / "init.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        command = ["nsenter", f"--net={_netns_path(spec)}", "unshare", "--mount", "--pid", "--uts", "--fork"]
        command += ["--kill-child", "--mount-proc", sys.executable, "-m", "infra.node.init"]
        command += [str(spec.directory / "spec.json"), json.dumps(descriptors)]
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
        cgroups.join(spec, started.pid)  # the first process itself joins as the first thing it does
        _remember(spec, started)
    finally:
        for listener in doors.values():
            listener.close()


def first_process(spec: NodeSpec) -> int | None:
    """Process id (as the host counts) of the running node's first process, or None."""
    try:
        kept = json.loads((spec.directory / "init.json").read_text())
        pid, started, boot = int(kept["pid"]), int(kept["started"]), kept["boot"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return pid if boot == _boot() and _start_ticks(pid) == started else None


def enter(spec: NodeSpec, command: Sequence[str | Path]) -> list[str]:
    """The command line that runs `command` inside the node. LookoutError when the node does not run."""
    pid = first_process(spec)
    if pid is None:
        raise LookoutError(f"node {spec.name} is not running", "run: lookout node up")
    return ["nsenter", f"--target={pid}", "--mount", "--net", "--uts", "--pid", "--", *(str(word) for word in command)]


def kill(spec: NodeSpec) -> None:
    """End every process of the node, known or not, and wait until they are gone."""
    _refuse_another_owner(spec)
    deadline = time.monotonic() + _DIE_WITHIN_S
    pid = first_process(spec)
    if pid is not None:
        _signal(pid)
    while remaining := _members(spec):
        for pid in remaining:
            _signal(pid)
        if time.monotonic() > deadline:
            raise LookoutError(f"processes of node {spec.name} do not end: {sorted(remaining)}")
        time.sleep(0.02)
    (spec.directory / "init.json").unlink(missing_ok=True)


def disconnect(spec: NodeSpec) -> None:
    """Remove cable, routes (they go with it) and network namespace."""
    if Path(f"/sys/class/net/{veth(spec)}").exists():
        run(["ip", "link", "delete", veth(spec)])
    if _netns_path(spec).exists():
        run(["ip", "netns", "delete", netns(spec)])
    directory = _netns_path(spec).parent
    if directory.is_dir() and not any(directory.iterdir()):
        # `ip netns add` made it a mount of its own, and leaves that behind.
        subprocess.run(["umount", str(directory)], check=False, capture_output=True)


def _remember(spec: NodeSpec, started: subprocess.Popen[bytes]) -> None:
    """Find the child that is process 1 of the new PID namespace and write down who it is."""
    deadline = time.monotonic() + _DIE_WITHIN_S
    own = Path("/proc/self/ns/pid").stat().st_ino
    while time.monotonic() < deadline:
        if started.poll() is not None:
            raise LookoutError(
                f"the node's first process ended at once with code {started.returncode}",
                f"see {spec.directory / 'logs' / 'init.log'}",
            )
        children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
        for child in children:
            try:
                started_at = _start_ticks(int(child))
                if Path(f"/proc/{child}/ns/pid").stat().st_ino != own and started_at is not None:
                    kept = {"pid": int(child), "started": started_at, "boot": _boot()}
                    write_whole(spec.directory / "init.json", json.dumps(kept))
                    return
            except FileNotFoundError:
                continue
        time.sleep(0.01)
    raise LookoutError("the node's first process was not found", "run: lookout node down, then up")


def _members(spec: NodeSpec) -> set[int]:
    """Processes in the node's network namespace (its pods have others) and in its control groups."""
    found = cgroups.processes(spec)
    if _netns_path(spec).exists():
        inode = _netns_path(spec).stat().st_ino
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "ns/net").stat().st_ino == inode:
                    found.add(int(entry.name))
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
    return {pid for pid in found if pid != os.getpid() and not _is_zombie(pid)}


def _refuse_another_owner(spec: NodeSpec) -> None:
    """Names are the machine's, state directories are not: never end a node that was started from another one."""
    mine = str(spec.directory / "spec.json")
    for pid in _members(spec):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "infra.node.init" in words:
            theirs = words[words.index("infra.node.init") + 1]
            if theirs != mine:
                raise LookoutError(
                    f"another node called {spec.name} runs on this machine, from {Path(theirs).parent}",
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


def _netns_path(spec: NodeSpec) -> Path:
    return Path("/run/netns") / netns(spec)


def _signal(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _stat_fields(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _start_ticks(pid: int) -> int | None:
    """Start time in clock ticks since boot: with the id it names a process for good."""
    fields = _stat_fields(pid)
    return int(fields[19]) if fields and fields[0] != "Z" else None


def _is_zombie(pid: int) -> bool:
    fields = _stat_fields(pid)
    return fields is None or fields[0] == "Z"
