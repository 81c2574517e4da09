"""What this machine must offer, checked before anything is changed, all of it on one screen.

Runs on the system's Python before there is an environment: standard library only.

    python3 -m lookout.preflight [--python | --any-doors]    exit code 0, or 1 with every problem and its remedy

`--python`: only what the Python environment needs. `--any-doors`: all but the default doors' ports, for the tests.
"""

import importlib.util
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lookout import contract, paths

MINIMUM_GO: Final = (1, 25, 11)
MINIMUM_NODE: Final = (18,)
PYTHONS: Final = ((3, 11), (3, 12))
MINIMUM_MEMORY_BYTES: Final = 12 * 10**9
"""The node and three environments with a surge pod each; linking the largest tool takes about as much."""
COLD_DISK_BYTES: Final = 25 * 10**9
"""Go's module and build caches, the Python environment, images and the node's state, on a first run."""
WARM_DISK_BYTES: Final = 5 * 10**9


@dataclass(frozen=True)
class Problem:
    """Something that must change before the road can be built, and how to change it."""

    what: str
    remedy: str


SBIN: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def complete_path() -> None:
    """Add the administrator's directories to PATH: a plain `su` leaves them out, and haproxy and nft live there."""
    known = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([*known, *(directory for directory in SBIN if directory not in known)])


def problems(*, any_doors: bool) -> list[Problem]:
    """Everything that is missing; with `any_doors` the default doors may be taken."""
    checks: list[Callable[[], Iterator[Problem]]] = [_system, _root, _python, _toolchains, _kernel, _memory, _disk]
    if not any_doors:
        checks.append(_default_doors)
    return [problem for check in checks for problem in check()]


def main() -> None:
    """Print the problems and exit with 1, or say nothing and exit with 0."""
    complete_path()
    found = list(_python()) if "--python" in sys.argv[1:] else problems(any_doors="--any-doors" in sys.argv[1:])
    if not found:
        return
    print("This machine is not ready for Lookout yet; nothing was changed.\n", file=sys.stderr)
    for problem in found:
        print(f"  ✗ {problem.what}\n      → {problem.remedy}", file=sys.stderr)
    sys.exit(1)


def _system() -> Iterator[Problem]:
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        yield Problem(
            f"this is {platform.system()} on {platform.machine()}",
            "use an x86-64 Linux machine (Debian 12 is what is tested), or target an existing cluster",
        )
    if not shutil.which("apt-get"):
        yield Problem("there is no apt-get", "use Debian: images are made of its packages")


def _root() -> Iterator[Problem]:
    if os.geteuid() != 0:
        yield Problem(
            "the embedded node needs root: it makes namespaces and control groups", 'run: sudo env "PATH=$PATH" make up'
        )


def _python() -> Iterator[Problem]:
    if sys.version_info[:2] not in PYTHONS:
        known = " or ".join(".".join(map(str, version)) for version in PYTHONS)
        yield Problem(
            f"Python is {platform.python_version()}", f"install Python {known}, or: make PYTHON=python3.11 up"
        )
    if importlib.util.find_spec("ensurepip") is None:
        yield Problem("this Python cannot make environments", "run: apt-get install python3-venv")


def _toolchains() -> Iterator[Problem]:
    wanted = {
        "go": (["go", "env", "GOVERSION"], MINIMUM_GO, "install Go from your distribution or go.dev"),
        "node": (["node", "--version"], MINIMUM_NODE, "install nodejs"),
        "npm": (["npm", "--version"], (8,), "install npm"),
        "git": (["git", "--version"], (2, 38), "install git"),
    }
    for name, (command, minimum, remedy) in wanted.items():
        if shutil.which(name) is None:
            yield Problem(f"{name} is not on PATH", remedy)
            continue
        said = subprocess.run(command, check=False, capture_output=True, text=True).stdout
        number = re.search(r"(\d+(?:\.\d+)+)", said)
        version = tuple(int(part) for part in number.group(1).split(".")) if number else ()
        if version < minimum:
            least = ".".join(map(str, minimum))
            yield Problem(f"{name} is {said.strip() or 'of unknown version'}, at least {least} is needed", remedy)


def _kernel() -> Iterator[Problem]:
    for namespace in ("net", "mnt", "pid", "uts"):
        if not Path(f"/proc/self/ns/{namespace}").exists():
            yield Problem(
                f"the kernel has no {namespace} namespaces", "use a kernel with namespaces (any Debian kernel)"
            )
    filesystems = Path("/proc/filesystems").read_text().split()
    if "overlay" not in filesystems and not _module("overlay"):
        yield Problem("the kernel has no overlay file system", "run: modprobe overlay")
    fs = Path("/sys/fs/cgroup")
    unified = fs / "cgroup.controllers"
    offered = set(unified.read_text().split()) if unified.exists() else {path.name for path in _children(fs)}
    lacking = [name for name in ("cpu", "cpuset", "memory", "pids") if name not in offered]
    if lacking:
        layout = "v2" if unified.exists() else "v1"
        yield Problem(
            f"control groups ({layout}) offer no {', '.join(lacking)} controller",
            "boot with systemd.unified_cgroup_hierarchy=1 cgroup_enable=memory, and not inside a container",
        )


def _memory() -> Iterator[Problem]:
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    total = int(fields["MemTotal"].split()[0]) * 1024
    if total < MINIMUM_MEMORY_BYTES:
        yield Problem(
            f"{total / 1e9:.1f} GB of memory", f"use a machine with at least {MINIMUM_MEMORY_BYTES / 1e9:.0f} GB"
        )


def _disk() -> Iterator[Problem]:
    warm = (paths.cache_dir() / "tools").is_dir()
    needed = WARM_DISK_BYTES if warm else COLD_DISK_BYTES
    for what, path in {"cache": paths.cache_dir(), "state": paths.state_dir()}.items():
        existing = next(parent for parent in (path, *path.parents) if parent.exists())
        free = shutil.disk_usage(existing).free
        if free < needed:
            yield Problem(
                f"{free / 1e9:.1f} GB free for the {what} directory {path}, {needed / 1e9:.0f} GB are needed",
                f"free some, or put it elsewhere: export XDG_{what.upper()}_HOME=/some/where",
            )


def _default_doors() -> Iterator[Problem]:
    """Only before the first run: afterwards the stack's settings say which ports, and `up` looks at those."""
    if (paths.PROJECT_ROOT / "Pulumi.local.yaml").exists():
        return
    for door, port in contract.DOORS.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                yield Problem(
                    f"port {port} on 127.0.0.1, the door to {door}, cannot be opened: {error.strerror}",
                    f"free it (ss -ltnp 'sport = :{port}'), or copy Pulumi.local.example.yaml to Pulumi.local.yaml"
                    f" and set lookout:local.doors.{door} there",
                )


def _children(fs: Path) -> list[Path]:
    return list(fs.iterdir()) if fs.is_dir() else []


def _module(name: str) -> bool:
    return shutil.which("modprobe") is not None and subprocess.run(["modprobe", name], check=False).returncode == 0


if __name__ == "__main__":
    main()
