"""A worker of the local cluster: a node of its own that was joined to the control plane's."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from infra.node.spec import MOST_WORKERS, NodeSpec
from lookout.errors import UsageError


class WorkerSpec(BaseModel):
    """Worker `number`, counted from 1, of a cluster; all else about it follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cluster: NodeSpec
    number: Annotated[int, Field(ge=1, le=MOST_WORKERS)]

    @property
    def name(self) -> str:
        """Name of the Node, its host name and the stem of what is called after it on this machine."""
        return f"{self.cluster.name}-worker-{self.number}"

    @property
    def directory(self) -> Path:
        """Below the cluster's, so that it goes with it."""
        return self.cluster.directory / "workers" / str(self.number)

    @property
    def plug(self) -> str:
        """Name of the cable's end in the control-plane node's namespace."""
        return f"worker-{self.number}"

    @property
    def cable(self) -> IPv4Network:
        """The two addresses of the cable; the worker's other end is in the control-plane node."""
        return self.cluster.worker_cables[self.number - 1]

    @property
    def gateway(self) -> IPv4Address:
        """The control-plane node's end of the cable, by which the worker reaches everything."""
        return self.cable[1]

    @property
    def address(self) -> IPv4Address:
        """The worker's end of the cable, and the Node's InternalIP."""
        return self.cable[2]


def wanted(spec: NodeSpec) -> list[WorkerSpec]:
    """The workers that the settings ask for."""
    return possible(spec)[: spec.workers]


def possible(spec: NodeSpec) -> list[WorkerSpec]:
    """Every worker that may be there, whatever the settings ask for: teardown goes over all of them."""
    return [WorkerSpec(cluster=spec, number=number) for number in range(1, MOST_WORKERS + 1)]


def named(spec: NodeSpec, name: str) -> WorkerSpec:
    """One of the cluster's workers by its name. UsageError lists the names there are."""
    for worker in wanted(spec):
        if worker.name == name:
            return worker
    names = ", ".join(worker.name for worker in wanted(spec))
    raise UsageError(
        f"cluster {spec.name} has no worker called {name}",
        f"its workers: {names}" if names else "ask for workers first: lookout:local.workers in Pulumi.local.yaml",
    )
