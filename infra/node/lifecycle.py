"""The life of a local node: create or repair, stop, destroy, look.

NodeInfo = create(spec)    from nothing, from a stopped node, from a half-made one: afterwards the node is Ready
stop(spec)                 end its processes, keep its state
destroy(spec)              remove everything but git and registry; safe after any crash
status(spec)               what is there
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from infra.node import cgroups, git_server, images, kubeadm, sandbox
from infra.node.spec import NodeSpec
from lookout.errors import LookoutError

Progress = Callable[[str], None]
_SOCKET_WITHIN_S: Final = 30.0
_KEPT_BY_DESTROY: Final = {"git", "registry"}
"""The releases: git names digests, the registry holds them. One without the other would not come up again."""


class NodeInfo(BaseModel):
    """A running node: the administrator's kubeconfig (a secret) and where it listens."""

    model_config = ConfigDict(frozen=True)

    kubeconfig: str
    address: str
    git_url: str
    registry: str


class NodeStatus(BaseModel):
    """What a look at the node finds. Memory in bytes, CPU in seconds since the node's groups were made."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: str
    """`absent`, `stopped`, `starting` (no answer from the API server) or `ready`."""
    directory: Path
    cgroup_layout: str
    pid: int | None
    memory_bytes: int | None
    cpu_s: float | None
    doors: dict[str, str]


def create(spec: NodeSpec, progress: Progress | None = None) -> NodeInfo:
    """Bring the node up from whatever state it is in and wait until it is Ready.

    LookoutError when a port or an address range is taken or a step fails; a node that was absent before is then
    removed again, one that existed is stopped and keeps its state.
    """
    say = progress or (lambda _: None)
    archive = images.build_archive(say)
    with _locked(spec):
        existed = (spec.directory / "root").exists()
        try:
            return _bring_up(spec, archive, say)
        except BaseException:
            say("it failed: taking the half-made node down")
            sandbox.kill(spec)
            if not existed:
                _remove(spec)
            raise


def is_running(spec: NodeSpec) -> bool:
    """Whether the node's first process lives."""
    return sandbox.first_process(spec) is not None


def stop(spec: NodeSpec) -> bool:
    """End the node's processes and network, keep its state. False when it was not running."""
    with _locked(spec):
        running = is_running(spec)
        _end(spec)
    return running


def destroy(spec: NodeSpec) -> None:
    """Remove the node: processes, mounts, namespaces, interface, routes, control groups, files.

    Git and registry stay."""
    with _locked(spec):
        _remove(spec)


def status(spec: NodeSpec) -> NodeStatus:
    """Look, change nothing."""
    pid = sandbox.first_process(spec)
    if pid is not None:
        state = "ready" if kubeadm.api_answers(spec) else "starting"
    else:
        state = "stopped" if (spec.directory / "root").exists() else "absent"
    used = cgroups.usage(spec)
    return NodeStatus(
        name=spec.name,
        state=state,
        directory=spec.directory,
        cgroup_layout=cgroups.layout(),
        pid=pid,
        memory_bytes=used[0] if used else None,
        cpu_s=used[1] if used else None,
        doors={name: f"127.0.0.1:{port}" for name, port in spec.doors.model_dump().items()},
    )


def recorded_spec(name: str) -> NodeSpec | None:
    """The settings a node was last brought up with, or None for a node that never was."""
    path = NodeSpec(name=name).directory / "spec.json"
    return NodeSpec.model_validate_json(path.read_text()) if path.exists() else None


def _bring_up(spec: NodeSpec, archive: Path, say: Progress) -> NodeInfo:
    if is_running(spec) and recorded_spec(spec.name) != spec:
        say("settings changed: restarting the node")
        _end(spec)
    if not is_running(spec):
        _end(spec)  # what a crash left
        sandbox.refuse_taken_ranges(spec)
        spec.directory.mkdir(parents=True, exist_ok=True)
        (spec.directory / "spec.json").write_text(spec.model_dump_json(indent=2))
        git_server.prepare(spec)
        say("namespaces and services")
        cgroups.create(spec)
        sandbox.connect(spec)
        sandbox.start(spec)
    _wait_for_containerd(spec)
    kubeadm.import_images(spec, archive, say)
    kubeadm.ensure_control_plane(spec, say)
    return NodeInfo(
        kubeconfig=spec.kubeconfig.read_text(), address=str(spec.address), git_url=spec.git_url, registry=spec.registry
    )


def _wait_for_containerd(spec: NodeSpec) -> None:
    deadline = time.monotonic() + _SOCKET_WITHIN_S
    while time.monotonic() < deadline:
        pid = sandbox.first_process(spec)
        if pid is None:
            break
        if Path(f"/proc/{pid}/root/run/containerd/containerd.sock").exists():
            return
        time.sleep(0.05)
    raise LookoutError("containerd did not start in the node", f"see {spec.directory / 'logs'}")


def _end(spec: NodeSpec) -> None:
    sandbox.kill(spec)
    sandbox.disconnect(spec)
    cgroups.remove(spec)
    spec.kubeconfig.unlink(missing_ok=True)


def _remove(spec: NodeSpec) -> None:
    _end(spec)
    if not spec.directory.exists():
        return
    for entry in spec.directory.iterdir():
        if entry.name in _KEPT_BY_DESTROY:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextmanager
def _locked(spec: NodeSpec) -> Iterator[None]:
    """One life-cycle operation on a node at a time; the lock ends with this process, however it ends."""
    path = spec.directory.parent / f".{spec.name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LookoutError(
                f"another command is working on node {spec.name}", "wait until it has ended, then try again"
            ) from error
        handle.write(str(os.getpid()))
        handle.flush()
        yield
