"""The life of the local cluster, its control-plane node first and its workers with it: create or repair, stop, destroy.

NodeInfo = create(spec)    from nothing, from a stopped node, from a half-made one: afterwards every node is Ready
stop(spec)                 end its processes, keep its state
destroy(spec)              remove everything but git and registry; safe after any crash
stop_worker, start_worker  one worker fails, and comes back
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from infra.node import cgroups, git_server, images, kubeadm, network, record, sandbox, workers
from infra.node.init import MADE_ON_HOST
from infra.node.spec import NodeSpec
from infra.node.worker_spec import WorkerSpec, possible
from lookout.errors import LookoutError

Progress = Callable[[str], None]
_KEPT_BY_DESTROY: Final = {"git", "registry"}
"""The releases: git names digests, the registry holds them. One without the other would not come up again."""


class NodeInfo(BaseModel):
    """A running node: the administrator's kubeconfig (a secret) and where it listens."""

    model_config = ConfigDict(frozen=True)

    kubeconfig: str
    address: str
    git_url: str
    registry: str


def create(spec: NodeSpec, progress: Progress | None = None) -> NodeInfo:
    """Bring the cluster up from whatever state it is in and wait until all its nodes are Ready.

    LookoutError when a port or an address range is taken or a step fails. A node that was absent before is then
    removed again, one that was stopped is stopped again, and one that ran as it should is left running. A worker that
    fails takes nobody with it.
    """
    say = progress or (lambda _: None)
    archive = images.build_archive(say)
    with _locked(spec):
        refuse_conflicts(spec)
        existed = (spec.directory / "root").exists()
        ran = is_running(spec) and record.same_but_workers(record.read(spec.name), spec)
        try:
            node = _bring_up(spec, archive, say)
        except BaseException:
            if not ran:
                say("it failed: taking the half-made node down")
                if existed:
                    _end(spec)
                else:
                    _remove(spec, say)
            raise
        workers.settle(spec, archive, say)
        return node


def refuse_conflicts(spec: NodeSpec) -> None:
    """LookoutError when a door's port or an address range is taken by others; asked before anything is touched."""
    before = record.read(spec.name)
    held = record.open_doors(before) if before and is_running(spec) else set()
    for listener in network.open_doors(spec, held=held).values():
        listener.close()
    network.refuse_taken_ranges(spec)


def is_running(spec: NodeSpec) -> bool:
    """Whether the node's first process lives."""
    return sandbox.first_process(spec) is not None


def runs_as(spec: NodeSpec) -> bool:
    """Whether the cluster runs just as `spec` describes it, its workers included."""
    before = record.read(spec.name)
    return is_running(spec) and before == spec and record.same_but_workers(before, spec) and workers.is_settled(spec)


def stop(spec: NodeSpec) -> bool:
    """End the cluster's processes and network, keep its state. False when it was not running."""
    with _locked(spec):
        running = is_running(spec)
        _end(spec)
    return running


def destroy(spec: NodeSpec, progress: Progress | None = None) -> None:
    """Remove the cluster: processes, mounts, namespaces, interface, routes, control groups, files.

    Git and registry stay."""
    with _locked(spec):
        _remove(spec, progress or (lambda _: None))


def stop_worker(worker: WorkerSpec) -> bool:
    """Stop a worker at once, as a machine that loses power. False when it was not running."""
    with _locked(worker.cluster):
        running = workers.is_running(worker)
        workers.fail(worker)
    return running


def start_worker(worker: WorkerSpec, progress: Progress | None = None) -> None:
    """Bring a stopped worker back and wait until its Node is Ready. LookoutError when the cluster does not run."""
    say = progress or (lambda _: None)
    archive = images.build_archive(say)
    with _locked(worker.cluster):
        if not is_running(worker.cluster):
            raise LookoutError(f"cluster {worker.cluster.name} is not running", "run: lookout node up")
        workers.start(worker, archive, say)


def _bring_up(spec: NodeSpec, archive: Path, say: Progress) -> NodeInfo:
    before = record.read(spec.name)
    if kubeadm.was_cut_short(spec):
        say("an earlier start was cut short: starting over")
        _remove(spec, say)
    elif before and before.model_copy(update={"doors": spec.doors, "workers": spec.workers}) != spec:
        say("other address ranges: another cluster takes the place of the old one")
        _remove(spec, say)
    elif is_running(spec) and not record.same_but_workers(before, spec):
        say("other doors: restarting the node")
        _end(spec)
    if not is_running(spec):
        _end(spec)  # what a crash left
        record.write(spec)
        git_server.prepare(spec)
        say("namespaces and services")
        cgroups.create(spec)
        network.connect(spec)
        doors = network.open_doors(spec)
        try:
            sandbox.start(spec, doors)
        finally:
            for listener in doors.values():
                listener.close()
    else:
        record.write(spec)  # the number of workers may be another
    sandbox.wait_for_containerd(spec)
    kubeadm.import_images(spec, archive, say)
    kubeadm.ensure_control_plane(spec, say)
    return NodeInfo(
        kubeconfig=spec.kubeconfig.read_text(), address=str(spec.address), git_url=spec.git_url, registry=spec.registry
    )


def _end(spec: NodeSpec) -> None:
    stubborn: list[LookoutError] = []
    for worker in possible(spec):
        try:
            workers.end(worker)
        except LookoutError as error:  # the others and the control plane end all the same
            stubborn.append(error)
    sandbox.kill(spec)
    network.disconnect(spec)
    cgroups.remove(spec)
    spec.kubeconfig.unlink(missing_ok=True)
    if stubborn:
        raise stubborn[0]


def _remove(spec: NodeSpec, say: Progress) -> None:
    say("ending processes, network and control groups")
    _end(spec)
    if not spec.directory.exists():
        return
    say("removing files")
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
    """Directories that the nodes' mounts needed and the host did not have; see infra.node.init."""
    lists = [spec.directory / MADE_ON_HOST, *(worker.directory / MADE_ON_HOST for worker in possible(spec))]
    return [Path(line) for file in lists if file.exists() for line in file.read_text().splitlines()]


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
