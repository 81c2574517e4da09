"""The node's own control groups, on cgroup v1 (a hierarchy per controller) and v2 (one hierarchy).

The kubelet puts pods under `/lookout-<name>` (its `cgroupRoot`), the node's own processes live in
`/lookout-<name>/node`. So a node's memory and CPU can be read in one place,
two nodes never meet, and teardown can remove everything.
"""

import time
from pathlib import Path
from typing import Final

from infra.node.spec import Node
from lookout.errors import LookoutError

CGROUP_FS: Final = Path("/sys/fs/cgroup")
_NEEDED: Final = ("cpu", "cpuset", "memory", "pids")
_REMOVE_WITHIN_S: Final = 10.0
_WEIGHT: Final = 10
"""How many ordinary processes the node weighs when processors are short. A group weighs as one of them by default, so
a compiler beside it would leave control plane and all pods together what one more compiler gets."""


def layout(fs: Path = CGROUP_FS) -> str:
    """`v2` for the unified hierarchy, `v1` for one hierarchy per controller. LookoutError where there is neither."""
    if (fs / "cgroup.controllers").is_file():
        return "v2"
    if (fs / "memory" / "memory.limit_in_bytes").exists() or (fs / "memory").is_dir():
        return "v1"
    raise LookoutError(f"no control groups are mounted at {fs}", "mount cgroup2 there (any systemd machine does)")


def cgroup_root(node: Node) -> str:
    """Path below the cgroup file system, as the kubelet's `cgroupRoot` wants it."""
    return f"/lookout-{node.name}"


def create(node: Node, fs: Path = CGROUP_FS) -> None:
    """Make the node's group in every hierarchy, ready to hold pods and processes."""
    root = cgroup_root(node).lstrip("/")
    if layout(fs) == "v2":
        wanted = set(_NEEDED) | {"io", "hugetlb"}
        for parent in (fs, fs / root):
            parent.mkdir(exist_ok=True)
            offered = (
                (parent / "cgroup.controllers").read_text().split() if (parent / "cgroup.controllers").exists() else []
            )
            for controller in sorted(wanted & set(offered)):
                (parent / "cgroup.subtree_control").write_text(f"+{controller}")
        (fs / root / "node").mkdir(exist_ok=True)
        _weigh(fs / root / "cpu.weight", _WEIGHT * 100)
        return
    for hierarchy in _hierarchies(fs):
        for group in (hierarchy / root, hierarchy / root / "node"):
            group.mkdir(exist_ok=True)
            # A new v1 cpuset is empty and takes no process until it names processors and memory nodes.
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (group.parent / name).is_file():
                    (group / name).write_text((group.parent / name).read_text().strip())
        _weigh(hierarchy / root / "cpu.shares", _WEIGHT * 1024)


def join(node: Node, pid: int, fs: Path = CGROUP_FS) -> None:
    """Move a process (its children follow) out of the caller's groups, which may end with the caller's shell."""
    root = cgroup_root(node).lstrip("/")
    hierarchies = [fs] if layout(fs) == "v2" else _hierarchies(fs)
    for hierarchy in hierarchies:
        (hierarchy / root / "node" / "cgroup.procs").write_text(str(pid))


def usage(node: Node, fs: Path = CGROUP_FS) -> tuple[int, float] | None:
    """Memory in bytes (without reclaimable page cache) and CPU seconds used so far, or None while there is no node."""
    root = cgroup_root(node).lstrip("/")
    try:
        if layout(fs) == "v2":
            group = fs / root
            current = int((group / "memory.current").read_text())
            cpu_s = _field(group / "cpu.stat", "usage_usec") / 1e6
            return current - _field(group / "memory.stat", "inactive_file"), cpu_s
        current = int((fs / "memory" / root / "memory.usage_in_bytes").read_text())
        cache = _field(fs / "memory" / root / "memory.stat", "total_inactive_file")
        cpu_s = int((fs / "cpuacct" / root / "cpuacct.usage").read_text()) / 1e9
    except FileNotFoundError:
        return None
    return current - cache, cpu_s


def processes(node: Node, fs: Path = CGROUP_FS) -> set[int]:
    """Every process in the node's groups, pods included."""
    found: set[int] = set()
    for group in _groups(node, fs):
        try:
            found.update(int(pid) for pid in (group / "cgroup.procs").read_text().split())
        except (FileNotFoundError, OSError):  # the group went while we looked
            continue
    return found


def remove(node: Node, fs: Path = CGROUP_FS) -> None:
    """Remove the node's groups, innermost first; waits a little for the last processes to be gone."""
    deadline = time.monotonic() + _REMOVE_WITHIN_S
    while groups := _groups(node, fs):
        for group in groups:
            try:
                group.rmdir()
            except FileNotFoundError:
                continue
            except OSError as error:  # still busy: a dying process has not left yet
                if time.monotonic() > deadline:
                    raise LookoutError(f"control group {group} cannot be removed: {error.strerror}") from error
        time.sleep(0.02)


def _weigh(file: Path, weight: int) -> None:
    if file.is_file():  # in the one hierarchy, or under the one layout, that shares processors out
        file.write_text(str(weight))


def _groups(node: Node, fs: Path) -> list[Path]:
    """The node's groups in every hierarchy, children before parents."""
    root = cgroup_root(node).lstrip("/")
    # On v1 a v2 hierarchy without controllers may be mounted beside; container runtimes make groups there too.
    hierarchies = [fs] if layout(fs) == "v2" else [*_hierarchies(fs), fs / "unified"]
    found = [path for base in hierarchies if (base / root).is_dir() for path in [base / root, *_below(base / root)]]
    return sorted(found, key=lambda path: len(path.parts), reverse=True)


def _below(group: Path) -> list[Path]:
    try:
        return [path for path in group.rglob("*") if path.is_dir()]
    except FileNotFoundError:
        return []


def _hierarchies(fs: Path) -> list[Path]:
    """The v1 hierarchies, symbolic links (cpu -> cpu,cpuacct) and the hybrid v2 mount left out."""
    return sorted(path for path in fs.iterdir() if path.is_dir() and not path.is_symlink() and path.name != "unified")


def _field(path: Path, key: str) -> int:
    for line in path.read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == key:
            return int(value)
    return 0
