"""A node's first process: lays the node's directories over the host's, then starts and keeps its services.

Started by `infra.node.sandbox` as `python -m infra.node.init SPEC_FILE DOORS_JSON` in new mount, PID and UTS
namespaces; what it mounts is seen by the node only and vanishes with it.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from infra.node import cgroups, services, worker_services
from infra.node.spec import Node, NodeSpec
from infra.node.worker_spec import WorkerSpec

PERSISTENT: Final = (
    "/etc/kubernetes",
    "/etc/cni",
    "/etc/containerd",
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/var/lib/containerd",
    "/var/log/pods",
    "/var/log/containers",
)
"""Directories that keep their content between two starts of the node, below `<node directory>/root`."""
_COVERED: Final = ("/etc/lookout", "/var/lib/cni", "/run")
"""Directories that begin empty at each start of the node."""
_KERNEL_SETTINGS: Final = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
"""What a kubelet sets on its machine (container_manager_linux.go). These are the host's; a machine that only hosts an
embedded node must not, for example, start to reboot on an oops. So the kubelet gets files to write to."""
MADE_ON_HOST: Final = "made-on-host"
"""File in the node's directory that lists directories which had to be made on the host, for teardown to remove."""
_LOG_BYTES: Final = 10 * 2**20
_EARLIEST_RESTART_S: Final = 1.0
_POLL_S: Final = 0.1
_LOOK_AT_LOGS_EVERY_S: Final = 60.0


def main(spec_file: Path, doors: dict[str, int]) -> None:
    """Become the node. Returns never; the end of this process is the end of the node."""
    node: NodeSpec | WorkerSpec = TypeAdapter(NodeSpec | WorkerSpec).validate_json(spec_file.read_text())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # a host that shuts down need not wait for its timeout
    cgroups.join(node, 0)
    socket.sethostname(node.name)
    _mount(node)
    programs, files = _contents(node, doors)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for setting in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
        if (Path("/proc/sys") / setting).exists():
            (Path("/proc/sys") / setting).write_text("1")
    _supervise(programs, node.directory / "logs", doors)


def _contents(node: NodeSpec | WorkerSpec, doors: dict[str, int]) -> tuple[list[services.Service], dict[Path, str]]:
    """The programs of a node and the files they read, by path inside it."""
    if isinstance(node, WorkerSpec):
        return worker_services.programs(), worker_services.files(node)
    return services.services(node), services.files(node, doors)


def _mount(node: Node) -> None:
    """Private directories over the host's, so that the host's own files are never touched."""
    root = node.directory / "root"
    private = {target: root / target.lstrip("/").replace("/", "-") for target in PERSISTENT}
    _make_on_host(node, *PERSISTENT, *_COVERED)
    for target, source in private.items():
        source.mkdir(parents=True, exist_ok=True)
        _sh("mount", "--bind", str(source), target)
    for setting in _KERNEL_SETTINGS:
        if (Path("/proc/sys") / setting).exists():
            copy = root / "sysctl" / setting
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text((Path("/proc/sys") / setting).read_text())
            _sh("mount", "--bind", str(copy), f"/proc/sys/{setting}")
    resolv = root / "resolv.conf"
    resolv.touch()
    for target in _COVERED:
        _sh("mount", "-t", "tmpfs", "-o", "mode=0755", "lookout", target)
    # /etc/resolv.conf may be a link into /run, which is covered by now.
    link = Path(os.path.realpath("/etc/resolv.conf"))
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.touch()
    _sh("mount", "--bind", str(resolv), str(link))
    for directory in ("/run/lock", "/run/netns", "/run/lookout", "/run/containerd", "/run/cni"):
        Path(directory).mkdir(parents=True)
    _sh("mount", "--make-rshared", "/")


def _make_on_host(node: Node, *targets: str) -> None:
    """Mount points must exist. What the host lacks is made, and written down before."""
    missing = [
        path for target in targets for path in reversed([Path(target), *Path(target).parents]) if not path.exists()
    ]
    if missing:
        with (node.directory / MADE_ON_HOST).open("a") as record:
            record.writelines(f"{path}\n" for path in dict.fromkeys(missing))
    for target in targets:
        Path(target).mkdir(parents=True, exist_ok=True)


def _supervise(waiting: list[services.Service], logs: Path, doors: Mapping[str, int]) -> None:
    """Start every service once what it waits for is there, start it again when it ends, reap orphans."""
    running: dict[int, services.Service] = {}
    look_at_logs = 0.0
    not_before = dict.fromkeys((service.name for service in waiting), 0.0)
    while True:
        now = time.monotonic()
        for service in list(waiting):
            if now >= not_before[service.name] and all(path.exists() for path in service.waits_for):
                not_before[service.name] = now + _EARLIEST_RESTART_S
                try:
                    running[_spawn(service, logs / f"{service.name}.log", doors)] = service
                    waiting.remove(service)
                except OSError as error:  # a full disk, or a tool that is gone: the others go on
                    print(f"{service.name} cannot be started: {error}", flush=True)
        if now > look_at_logs:
            look_at_logs = now + _LOOK_AT_LOGS_EVERY_S
            _rotate(logs)
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pid, status = 0, 0
        if pid in running:
            service = running.pop(pid)
            print(f"{service.name} ended with status {status}; starting it again", flush=True)  # goes to init.log
            waiting.append(service)
        elif pid == 0:
            time.sleep(_POLL_S)


def _rotate(logs: Path) -> None:
    """Keep each log below a bound: its content moves to `.1`, the programs go on appending to the emptied file."""
    for log in logs.glob("*.log"):
        try:
            if log.stat().st_size > _LOG_BYTES:
                shutil.copyfile(log, f"{log}.1")
                os.truncate(log, 0)
        except OSError as error:
            print(f"{log} cannot be rotated: {error}", flush=True)


def _spawn(service: services.Service, log: Path, doors: Mapping[str, int]) -> int:
    """Start one service in a session of its own; only the doors' program inherits the listening sockets."""
    with log.open("a") as sink:
        return subprocess.Popen(
            service.command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            env={**os.environ, **service.environment},
            pass_fds=tuple(doors.values()) if service.name == "doors" else (),
        ).pid


def _sh(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
