"""Argo CD's core: controllers without users and without a web server, from the manifest of the pinned version."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import yaml

from infra.clusters.cluster import Cluster, PlatformImages
from infra.manifest import Manifest
from infra.platform.crds import Definitions, split
from lookout import contract, tools

MANIFEST: Final = "argocd/core-install.yaml"

_CLUSTER_SCOPED: Final = ("ClusterRole", "ClusterRoleBinding")

_SETTINGS: Final = {
    "argocd-cm": {
        "admin.enabled": "false",
        "users.anonymous.enabled": "false",
        # The poll is the fallback: a push is announced by the git server's hook.
        "timeout.reconciliation": "180s",
        "timeout.reconciliation.jitter": "0s",
    },
    "argocd-cmd-params-cm": {
        "applicationsetcontroller.enable.progressive.syncs": "false",
        # A hand edit in the cluster is undone after this many seconds.
        "controller.self.heal.timeout.seconds": "5",
        # Two seconds between waves by default, also after the Namespace alone: most of a push's way to the Deployment.
        "controller.sync.wave.delay.seconds": "0",
    },
}
"""Keys are documented in Argo CD's operator manual, argocd-cm.yaml and argocd-cmd-params-cm.yaml."""

_SMALL_REQUESTS: Final = {"cpu": "10m", "memory": "64Mi"}
"""The embedded node keeps its two cores for the detector."""


@dataclass(frozen=True)
class Installed:
    """Argo CD in a cluster: what its own resources need before they can be made, and what acts on them."""

    ground: tuple[pulumi.Resource, ...]
    controllers: tuple[pulumi.Resource, ...]


def install(cluster: Cluster) -> Installed:
    """Install Argo CD."""
    namespace = Manifest(_namespace(), cluster.inside())
    definitions = Definitions(
        "argocd-definitions", MANIFEST, cluster.kubeconfig, cluster.identity, _outside(cluster.inside())
    )
    controllers = [
        Manifest(document, cluster.inside(namespace))
        for document in manifests(cluster.images, small=cluster.small, nodes=cluster.platform_nodes)
    ]
    return Installed(ground=(namespace, definitions), controllers=tuple(controllers))


def version() -> str:
    """The version of Argo CD that the manifest installs."""
    return tools.version("argocd")


def manifests(
    images: PlatformImages | None, *, small: bool, nodes: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Argo CD's manifests except the definitions, with our images, settings and sizes, on nodes with these labels."""
    documents = yaml.load_all(split(tools.asset(MANIFEST))[1], Loader=yaml.CSafeLoader)  # the safe loader, in C
    adapted = [_adapt(document, images, small=small) for document in documents if document]
    for document in adapted:
        if nodes and (pod := _pod(document)):
            pod["nodeSelector"] = {**pod.get("nodeSelector", {}), **nodes}
    return adapted


def _adapt(original: dict[str, Any], images: PlatformImages | None, *, small: bool) -> dict[str, Any]:
    document = deepcopy(original)
    if document["kind"] not in _CLUSTER_SCOPED:
        document["metadata"]["namespace"] = contract.ARGOCD_NAMESPACE
    if document["kind"] == "Service":
        # Pulumi would wait ten seconds for endpoints; the Deployments behind are waited for anyway.
        document["metadata"].setdefault("annotations", {})["pulumi.com/skipAwait"] = "true"
    for subject in document.get("subjects", []):
        subject["namespace"] = contract.ARGOCD_NAMESPACE
    if document["kind"] == "ConfigMap":
        document["data"] = {**document.get("data", {}), **_SETTINGS.get(document["metadata"]["name"], {})}
    for container in _containers(document):
        container["imagePullPolicy"] = "IfNotPresent"
        if images:
            container["image"] = images.redis if "/redis:" in container["image"] else images.argocd
        if small:
            container["resources"] = {"requests": dict(_SMALL_REQUESTS)}
            if "readinessProbe" in container:
                container["readinessProbe"] |= {"initialDelaySeconds": 1, "periodSeconds": 2}
    return document


def _containers(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    pod = _pod(document)
    yield from pod.get("containers", [])
    yield from pod.get("initContainers", [])


def _pod(document: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = document.get("spec", {}).get("template", {}).get("spec", {})
    return pod


def _namespace() -> dict[str, Any]:
    levels = ("enforce", "audit", "warn")
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": contract.ARGOCD_NAMESPACE,
            "labels": {f"pod-security.kubernetes.io/{level}": "restricted" for level in levels},
        },
    }


def _outside(options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """The same options for a resource that is not the Kubernetes provider's."""
    options.provider = None
    return options
