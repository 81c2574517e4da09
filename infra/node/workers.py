"""The life of the cluster's workers: bring up or repair, stop as a machine that fails, drain and remove."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from infra.node import cgroups, join, kubeadm, network, sandbox
from infra.node.spec import NodeSpec
from infra.node.worker_spec import WorkerSpec, possible, wanted
from lookout.errors import LookoutError
from lookout.files import write_whole

Progress = Callable[[str], None]
_DRAIN_WITHIN_S: Final = 120


def settle(spec: NodeSpec, archive: Path, say: Progress) -> None:
    """Make the workers what the settings ask for: missing ones join, stopped ones start, superfluous ones leave."""
    for worker in possible(spec)[spec.workers :]:
        if worker.directory.exists():
            remove(worker, say)
    for worker in wanted(spec):
        start(worker, archive, say)


def is_settled(spec: NodeSpec) -> bool:
    """Whether `settle` would find nothing to do."""
    superfluous = possible(spec)[spec.workers :]
    return all(is_running(worker) and join.is_done(worker) for worker in wanted(spec)) and not any(
        worker.directory.exists() for worker in superfluous
    )


def is_running(worker: WorkerSpec) -> bool:
    """Whether the worker's first process lives."""
    return sandbox.first_process(worker) is not None


def start(worker: WorkerSpec, archive: Path, say: Progress) -> None:
    """Bring a worker up from whatever state it is in and wait until its Node is Ready.

    Where that fails, the worker is stopped again, and one that never joined is removed; the cluster goes on.
    """
    if worker.directory.exists() and not join.is_done(worker):
        end(worker)  # what an interrupted join left cannot be gone on with,
        _forget(worker)  # and kubeadm does not join a name whose Node was Ready half a minute ago
        discard(worker)
    try:
        if not is_running(worker):
            end(worker)  # what a crash or a stop left
            worker.directory.mkdir(parents=True, exist_ok=True)
            write_whole(worker.directory / "spec.json", worker.model_dump_json(indent=2))
            say(f"{worker.name}: namespaces and services")
            cgroups.create(worker)
            network.connect_worker(worker)
            sandbox.start(worker, doors={})
        sandbox.wait_for_containerd(worker)
        kubeadm.import_images(worker, archive, lambda text: say(f"{worker.name}: {text}"))
        join.ensure(worker, say)
    except BaseException:
        if join.is_done(worker):
            end(worker)
        else:
            _forget(worker)
            discard(worker)
        raise


def fail(worker: WorkerSpec) -> None:
    """Stop a worker as a power cut would: its cable goes dead first, so that no peer hears a last word from it."""
    network.cut(worker)
    sandbox.kill(worker)
    cgroups.remove(worker)


def remove(worker: WorkerSpec, say: Progress) -> None:
    """Let the worker's pods move elsewhere, then take it out of the cluster and off this machine."""
    if is_running(worker) and join.is_done(worker):
        say(f"{worker.name}: draining")
        flags = ("--ignore-daemonsets", "--delete-emptydir-data", "--force", f"--timeout={_DRAIN_WITHIN_S}s")
        try:
            kubeadm.kubectl(worker.cluster, "drain", worker.name, *flags, within_s=_DRAIN_WITHIN_S + 30)
        except LookoutError as error:  # a pod that does not go must not keep the worker
            say(f"{worker.name}: {error.message}")
    say(f"{worker.name}: removing")
    end(worker)
    _forget(worker)
    discard(worker)


def end(worker: WorkerSpec) -> None:
    """End the worker's processes and network, keep its state."""
    sandbox.kill(worker)
    network.disconnect_worker(worker)
    cgroups.remove(worker)


def discard(worker: WorkerSpec) -> None:
    """Remove everything of the worker on this machine, whatever a crash left of it."""
    end(worker)
    if worker.directory.exists():
        shutil.rmtree(worker.directory)
    with suppress(OSError):  # the other worker's is there
        worker.directory.parent.rmdir()


def _forget(worker: WorkerSpec) -> None:
    """Take the Node out of the cluster, with the pods that nobody on it can end any more."""
    if not kubeadm.api_answers(worker.cluster):
        return
    # The Node first: a daemon set would put its pod back there.
    kubeadm.kubectl(worker.cluster, "delete", "node", worker.name, "--ignore-not-found")
    on_it = ("--all-namespaces", f"--field-selector=spec.nodeName={worker.name}")
    kubeadm.kubectl(worker.cluster, "delete", "pods", *on_it, "--force", "--grace-period=0", "--ignore-not-found")
