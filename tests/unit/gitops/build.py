"""Kubernetes and Argo CD objects as the API server gives them, cut down to what is read."""

from typing import Any

from gitops import version_file
from gitops.cluster import Reading
from lookout import contract
from lookout.artifact import Artifact

Object = dict[str, Any]


def pod(name: str, artifact: Artifact, *, ready: bool = True, leaving: bool = False, **container: Any) -> Object:
    """A pod of the detector; `container` are fields of its container's status."""
    metadata: Object = {"name": name} | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaving else {})
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": contract.DETECTOR, "image": artifact.image}]},
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": contract.DETECTOR, "restartCount": 0, "state": {"running": {}}} | container],
        },
    }


def deployment(artifact: Artifact, replicas: int = 1, ready: int = 1) -> Object:
    """The detector's Deployment."""
    template = {"spec": {"containers": [{"name": contract.DETECTOR, "image": artifact.image}]}}
    return {"spec": {"replicas": replicas, "template": template}, "status": {"readyReplicas": ready}}


def application(environment: str, sync: str = "Synced", health: str = "Healthy", **status: Any) -> Object:
    """An Application of Argo CD; `status` are further fields of its status."""
    return {
        "metadata": {"name": contract.application(environment)},
        "status": {"sync": {"status": sync, "revision": "c0ffee"}, "health": {"status": health}} | status,
    }


def settled(artifact: Artifact) -> Reading:
    """A cluster in which every environment runs the artifact, one replica each."""
    names = contract.ENVIRONMENTS
    return Reading(
        applications=tuple(application(name) for name in names),
        deployments={name: deployment(artifact) for name in names},
        pods={name: (pod(f"{name}-1", artifact),) for name in names},
    )


def with_registry(artifact: Artifact, registry: str) -> Artifact:
    """The artifact as a cluster names it: validation of the repository's name left out on purpose."""
    image = f"{registry}/{contract.DETECTOR}@{version_file.digest(artifact.image)}"
    return artifact.model_copy(update={"image": image})
