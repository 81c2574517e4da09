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
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.node import cgroups, git_server, images, kubeadm, sandbox
from infra.node.init import MADE_ON_HOST
from infra.node.spec import NodeSpec
from lookout.errors import LookoutError
from lookout.files import write_whole

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

    LookoutError when a port or an address range is taken or a step fails. A node that was absent before is then
    removed again, one that was stopped is stopped again, and one that ran as it should is left running.
    """
    say = progress or (lambda _: None)
    archive = images.build_archive(say)
    with _locked(spec):
        refuse_conflicts(spec)
        existed = (spec.directory / "root").exists()
        ran = is_running(spec) and recorded_spec(spec.name) == spec
        try:
            return _bring_up(spec, archive, say)
        except BaseException:
            if not ran:
                say("it failed: taking the half-made node down")
                if existed:
                    _end(spec)
                else:
                    _remove(spec)
            raise


def refuse_conflicts(spec: NodeSpec) -> None:
    """LookoutError when a door's port or an address range is taken by others; asked before anything is touched."""
    before = recorded_spec(spec.name)
    held = set(before.doors.model_dump().values()) if before and is_running(spec) else set()
    for listener in sandbox.open_doors(spec, held=held).values():
        listener.close()
    sandbox.refuse_taken_ranges(spec)


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
    try:
        return NodeSpec.model_validate_json(path.read_text())
    except (FileNotFoundError, ValidationError):  # never written, or by another version: it is written anew by `create`
        return None


def _bring_up(spec: NodeSpec, archive: Path, say: Progress) -> NodeInfo:
    before = recorded_spec(spec.name)
    if kubeadm.was_cut_short(spec):
        say("an earlier start was cut short: starting over")
        _remove(spec)
    elif before and before.model_copy(update={"doors": spec.doors}) != spec:
        say("other address ranges: another cluster takes the place of the old one")
        _remove(spec)
    elif is_running(spec) and before != spec:
        say("doors moved: restarting the node")
        _end(spec)
    if not is_running(spec):
        _end(spec)  # what a crash left
        spec.directory.mkdir(parents=True, exist_ok=True)
        write_whole(spec.directory / "spec.json", spec.model_dump_json(indent=2))
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
    for directory in reversed(_made_on_host(spec)):
        with suppress(OSError):  # somebody else uses it by now
            directory.rmdir()
    for entry in spec.directory.iterdir():
        if entry.name in _KEPT_BY_DESTROY:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _made_on_host(spec: NodeSpec) -> list[Path]:
    """Directories that the node's mounts needed and the host did not have; see infra.node.init."""
    record = spec.directory / MADE_ON_HOST
    return [Path(line) for line in record.read_text().splitlines()] if record.exists() else []


@contextmanager
def _locked(spec: NodeSpec) -> Iterator[None]:
    """One life-cycle operation on a node at a time; the lock ends with this process, however it ends.

    It is the machine's: a node's name, interface and control groups are too.
    """
    if os.geteuid() != 0:
        raise LookoutError("the node needs root: it makes namespaces and control groups", "run the command as root")
    path = Path("/run/lock") / f"lookout-{spec.name}.lock"
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
