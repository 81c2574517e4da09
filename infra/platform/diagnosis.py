"""Why Argo CD does not become ready: what its pods say about themselves."""

import json
from pathlib import Path
from typing import Any

from lookout import contract, process, tools
from lookout.errors import LookoutError


def unready(kubeconfig: Path) -> list[str]:
    """One line for each pod of Argo CD that is not ready, with its reason; empty where the cluster does not answer."""
    if not kubeconfig.exists():
        return []
    command: list[str | Path] = [tools.tool("kubectl"), "--kubeconfig", kubeconfig, "--request-timeout=5s"]
    try:
        listing = process.run([*command, "get", "pods", "-n", contract.ARGOCD_NAMESPACE, "-o", "json"], timeout_s=10)
    except LookoutError:
        return []
    return [line for pod in json.loads(listing)["items"] if (line := reason(pod))]


def reason(pod: dict[str, Any]) -> str | None:
    """Why a pod is not ready, in Kubernetes' own words; None for one that is."""
    status = pod.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
    if conditions.get("Ready", {}).get("status") == "True":
        return None
    name = f"pod {pod['metadata']['name']}"
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        waiting = container.get("state", {}).get("waiting")
        if waiting and waiting.get("reason") != "PodInitializing":
            return f"{name}: container {container['name']}: {_said(waiting)}"
        ended = container.get("state", {}).get("terminated")
        if ended and ended.get("exitCode"):
            return f"{name}: container {container['name']} ended with exit code {ended['exitCode']}: {_said(ended)}"
    for kind in ("PodScheduled", "Ready"):
        condition = conditions.get(kind)
        if condition and condition["status"] != "True":
            return f"{name}: {_said(condition)}"
    return f"{name}: {status.get('phase', 'unknown')}"


def _said(state: dict[str, Any]) -> str:
    return ": ".join(state[key] for key in ("reason", "message") if state.get(key)) or "no reason given"
