"""What a node may leave on a machine, so that before and after can be compared."""

import os
import subprocess
from pathlib import Path

_KUBERNETES_DIRECTORIES = ("/etc/kubernetes", "/etc/lookout", "/var/lib/kubelet", "/var/lib/etcd", "/var/log/pods")
_KERNEL_SETTINGS = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
"""What a kubelet would set on the host."""


def traces(state: Path, node: str) -> dict[str, list[str]]:
    """Everything of one node that is outside its own files: empty lists when it is gone without a trace."""
    mounts = Path("/proc/mounts").read_text().splitlines()
    routes = _output("ip", "route", "show", "table", "all").splitlines()
    return {
        "processes": _processes(str(state)),
        "mounts": [line for line in mounts if node in line or str(state) in line],
        "network namespaces": [path.name for path in Path("/run/netns").glob("*") if _ours(path.name, node)],
        "interfaces": [path.name for path in Path("/sys/class/net").iterdir() if node in path.name],
        "routes": [line for line in routes if node in line],
        "control groups": [str(path) for path in _groups() if path.name.startswith(f"lookout-{node}")],
        "firewall rules": _output("nft", "--stateless", "list", "ruleset").splitlines(),
        "files under /run": [str(path) for path in Path("/run").glob("containerd*")],
        "directories": [path for path in _KUBERNETES_DIRECTORIES if Path(path).exists()],
        "kernel settings": [(Path("/proc/sys") / name).read_text() for name in _KERNEL_SETTINGS],
    }


def _groups() -> list[Path]:
    """The upper control groups: a node's own lie right below a hierarchy, or below the only one."""
    root = Path("/sys/fs/cgroup")
    return [path for pattern in ("*", "*/*") for path in root.glob(pattern)]


def _ours(name: str, node: str) -> bool:
    return node in name or name.startswith("cni-")


def _processes(marker: str) -> list[str]:
    """Processes whose environment or arguments name the state directory, this one's own tree left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in (os.getpid(), os.getppid()):
            continue
        try:
            seen = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if marker.encode() in seen:
            found.append((entry / "cmdline").read_text().replace("\0", " ") if entry.exists() else entry.name)
    return found


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
