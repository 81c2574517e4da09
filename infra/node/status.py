"""What a look at the local cluster finds, for people and for scripts."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from infra.node import cgroups, kubeadm, sandbox, worker_spec
from infra.node.spec import Node, NodeSpec


class Found(BaseModel):
    """What every node shows. Memory in bytes, CPU in seconds since the node was last started."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    state: str
    """`absent`, `stopped`, `starting` (no answer from the API server, or its Node is not Ready) or `ready`."""
    pid: int | None
    memory_bytes: int | None
    cpu_s: float | None


class WorkerStatus(Found):
    """One worker."""

    address: str


class NodeStatus(Found):
    """The control-plane node, with the workers that were asked for or are there."""

    directory: Path
    cgroup_layout: str
    doors: dict[str, str]
    workers: tuple[WorkerStatus, ...]


def look(spec: NodeSpec) -> NodeStatus:
    """Look, change nothing."""
    answers = sandbox.first_process(spec) is not None and kubeadm.api_answers(spec)
    return NodeStatus(
        **_found(spec, ready=answers),
        directory=spec.directory,
        cgroup_layout=cgroups.layout(),
        doors={name: f"127.0.0.1:{port}" for name, port in spec.doors.model_dump().items()},
        workers=tuple(
            WorkerStatus(
                **_found(worker, ready=answers and kubeadm.is_ready(spec, worker)), address=str(worker.address)
            )
            for worker in worker_spec.possible(spec)
            if worker.number <= spec.workers or worker.directory.exists()
        ),
    )


def _found(node: Node, *, ready: bool) -> dict[str, Any]:
    pid = sandbox.first_process(node)
    if pid is not None:
        state = "ready" if ready else "starting"
    else:
        state = "stopped" if (node.directory / "root").exists() else "absent"
    used = cgroups.usage(node)
    return {
        "name": node.name,
        "state": state,
        "pid": pid,
        "memory_bytes": used[0] if used else None,
        "cpu_s": used[1] if used else None,
    }
