"""Production's pods: their names, where they run, and waiting until all is as git has it."""

import json
from typing import Any

from infra.node import worker_spec
from infra.node.spec import Node
from lookout import contract
from tests.cluster.road import Road, wait_until

_PROD = f"--namespace={contract.namespace(contract.PRODUCTION)}"
_SELECTOR = f"--selector=app.kubernetes.io/name={contract.DETECTOR}"
_SETTLED_WITHIN_S = 90.0
_FLOOR = 2
_AT_FLOOR_WITHIN_S = 180.0


def names(road: Road) -> list[str]:
    """Of production's pods, those on a worker node first: they can be harmed without harming the control plane."""
    found = sorted(
        _pods(road), key=lambda pod: (pod["spec"].get("nodeName") == road.spec.name, pod["metadata"]["name"])
    )
    return [str(pod["metadata"]["name"]) for pod in found]


def uid(road: Road, name: str) -> str:
    """As it stands in the names of the pod's control groups."""
    return str(_pod(road, name)["metadata"]["uid"])


def node_of(road: Road, name: str) -> Node:
    """The node a pod runs on."""
    there = str(_pod(road, name)["spec"]["nodeName"])
    return next((worker for worker in worker_spec.possible(road.spec) if worker.name == there), road.spec)


def settle(road: Road) -> None:
    """Wait until every node and every wanted pod of production is ready, and Argo CD agrees with git."""
    wait_until(lambda: _is_settled(road), _SETTLED_WITHIN_S, "nodes, pods and Argo CD are as they should be")


def settle_at_floor(road: Road) -> None:
    """As `settle`, with production's two pods, which the autoscaler may have made more."""
    wait_until(lambda: len(_pods(road)) == _FLOOR, _AT_FLOOR_WITHIN_S, "production is at its floor")
    settle(road)


def _is_settled(road: Road) -> bool:
    try:
        deployment = road.get("deployment", contract.DETECTOR, _PROD)
        application = road.get("application", contract.application(contract.PRODUCTION), "--namespace=argocd")
        nodes = road.get("nodes")["items"]
        pods = _pods(road)
    except (AssertionError, json.JSONDecodeError):  # the API server may just be coming back
        return False
    wanted = deployment["spec"]["replicas"]
    return (
        deployment["status"].get("readyReplicas") == wanted == len(pods)
        and not any("deletionTimestamp" in pod["metadata"] for pod in pods)
        and application["status"]["sync"]["status"] == "Synced"
        and application["status"]["health"]["status"] == "Healthy"
        and all(_is_ready(node) for node in nodes)
    )


def _is_ready(node: Any) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])


def _pods(road: Road) -> list[Any]:
    found: list[Any] = road.get("pods", _PROD, _SELECTOR)["items"]
    return found


def _pod(road: Road, name: str) -> Any:
    return next(pod for pod in _pods(road) if pod["metadata"]["name"] == name)
