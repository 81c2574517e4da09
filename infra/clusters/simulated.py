"""Node pools without machines: Nodes that KWOK keeps Ready, with real capacity, labels and taints.

The real scheduler decides about them; the pods placed there run nothing. Each node says so in its name, in an
annotation and in a taint that only namespaces made for simulation tolerate.
"""

from typing import Any, Final

from infra.clusters.cluster import Cluster
from infra.manifest import Manifest
from infra.pools import SIMULATED_TAINT, ZONE_LABEL, NodePool
from lookout import contract

NAME_PREFIX: Final = "sim-"


def simulate(pool: NodePool, cluster: Cluster) -> None:
    """Register the pool's minimum of nodes, simulated."""
    for number in range(pool.min):
        Manifest(node(pool, number), cluster.inside())


def node(pool: NodePool, number: int) -> dict[str, Any]:
    """One simulated Node of a pool; KWOK fills its status from the annotations."""
    name = f"{NAME_PREFIX}{pool.name}-{number}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                **pool.all_labels,
                contract.SIMULATED_KEY: contract.SIMULATED_VALUE,
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": pool.machine_type,
                **_zone(pool, number),
            },
            "annotations": {
                contract.SIMULATED_KEY: contract.SIMULATED_VALUE,
                contract.CPU_COUNT_ANNOTATION: str(pool.cpus),
                contract.MEMORY_ANNOTATION: pool.memory,
                contract.GPU_COUNT_ANNOTATION: str(pool.gpu.count if pool.gpu else 0),
            },
        },
        "spec": {"taints": [taint.manifest for taint in (*pool.all_taints, SIMULATED_TAINT)]},
    }


def _zone(pool: NodePool, number: int) -> dict[str, str]:
    return {ZONE_LABEL: pool.zones[number % len(pool.zones)]} if pool.zones else {}
