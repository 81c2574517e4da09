"""How many pods a machine holds by what they request, from the cluster's nodes and pods. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from lookout import contract

Object = dict[str, Any]

_SUFFIXES: Final = {
    "m": Decimal("0.001"),
    "k": Decimal(1000),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "Ki": Decimal(1024),
    "Mi": Decimal(1024**2),
    "Gi": Decimal(1024**3),
}


def pods_per_machine(
    nodes: Sequence[Object], pods: Sequence[Object], requests: dict[str, str], beside: Sequence[str]
) -> int | None:
    """Pods with these requests that fit on the real node with the least room, None where there is no real node.

    Pods in the namespaces `beside` do not count: they are those that are measured, or that the result is for.
    Simulated nodes hold no real pods. Finished pods hold no room.
    """
    real = [node for node in nodes if contract.SIMULATED_KEY not in node["metadata"].get("annotations", {})]
    rooms = [_room(node, pods, requests, beside) for node in real if not node["spec"].get("unschedulable")]
    return min(rooms, default=None)


def quantity(text: str) -> Decimal:
    """A Kubernetes quantity, for example 250m, 1Gi or 2."""
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if text.endswith(suffix):
            return Decimal(text.removesuffix(suffix)) * _SUFFIXES[suffix]
    return Decimal(text)


def _room(node: Object, pods: Sequence[Object], requests: dict[str, str], beside: Sequence[str]) -> int:
    there = [
        pod
        for pod in pods
        if pod["spec"].get("nodeName") == node["metadata"]["name"]
        and pod["status"].get("phase") not in ("Succeeded", "Failed")
        and pod["metadata"]["namespace"] not in beside
    ]
    allocatable = node["status"]["allocatable"]
    rooms = [int(quantity(allocatable["pods"])) - len(there)]
    for resource in ("cpu", "memory"):
        wanted = quantity(requests.get(resource, "0"))
        if wanted > 0:
            left = quantity(allocatable[resource]) - sum(_requested(pod, resource) for pod in there)
            rooms.append(int(left // wanted))
    return max(0, min(rooms))


def _requested(pod: Object, resource: str) -> Decimal:
    containers = pod["spec"]["containers"]
    return sum(
        (quantity(one.get("resources", {}).get("requests", {}).get(resource, "0")) for one in containers), Decimal(0)
    )
