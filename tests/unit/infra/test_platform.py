"""Argo CD's manifests as adapted to a cluster, and what is told when it does not become ready."""

from pathlib import Path
from typing import Any

import pytest

from infra.clusters.cluster import PlatformImages
from infra.platform import argocd, crds, diagnosis
from lookout import contract


def _documents(images: PlatformImages | None = None, *, small: bool = False) -> dict[str, dict[str, Any]]:
    documents = argocd.manifests(images, small=small)
    return {f"{document['kind']}/{document['metadata']['name']}": document for document in documents}


def test_definitions_are_told_apart_from_the_rest(manifest: Path) -> None:
    definitions, others = crds.split(manifest)
    assert definitions.count("kind: CustomResourceDefinition") == 2
    assert "appprojects.argoproj.io" in definitions
    assert "CustomResourceDefinition" not in others
    assert others.count("kind: Deployment") == 2


@pytest.mark.usefixtures("manifest")
def test_images_come_from_the_node_where_it_has_them() -> None:
    documents = _documents(PlatformImages(argocd="ours/argocd:1", redis="ours/redis:1"))
    repo = documents["Deployment/argocd-repo-server"]["spec"]["template"]["spec"]
    redis = documents["Deployment/argocd-redis"]["spec"]["template"]["spec"]
    assert [repo["containers"][0]["image"], repo["initContainers"][0]["image"]] == ["ours/argocd:1"] * 2
    assert redis["containers"][0]["image"] == "ours/redis:1"
    assert redis["containers"][0]["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.usefixtures("manifest")
def test_images_stay_the_publishers_elsewhere() -> None:
    repo = _documents()["Deployment/argocd-repo-server"]["spec"]["template"]["spec"]["containers"][0]
    assert repo["image"] == "publisher.example/argocd:v9"
    assert repo["readinessProbe"]["periodSeconds"] == 10
    assert "resources" not in repo


@pytest.mark.usefixtures("manifest")
def test_a_small_cluster_is_asked_for_little() -> None:
    repo = _documents(small=True)["Deployment/argocd-repo-server"]["spec"]["template"]["spec"]["containers"][0]
    assert repo["resources"]["requests"]["cpu"] == "10m"
    assert repo["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": 8084}
    assert repo["readinessProbe"]["periodSeconds"] == 2


@pytest.mark.usefixtures("manifest")
def test_everything_lands_in_argocds_namespace() -> None:
    documents = _documents()
    binding = documents.pop("ClusterRoleBinding/argocd-application-controller")
    assert "namespace" not in binding["metadata"]
    assert binding["subjects"][0]["namespace"] == contract.ARGOCD_NAMESPACE
    assert {document["metadata"]["namespace"] for document in documents.values()} == {contract.ARGOCD_NAMESPACE}


@pytest.mark.usefixtures("manifest")
def test_settings_are_added_to_what_the_manifest_says() -> None:
    data = _documents()["ConfigMap/argocd-cm"]["data"]
    assert data["kept"] == "yes"
    assert data["admin.enabled"] == "false"


@pytest.mark.usefixtures("manifest")
def test_services_are_not_waited_for() -> None:
    assert _documents()["Service/argocd-redis"]["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}


def _pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "status": status}


def test_a_ready_pod_needs_no_reason() -> None:
    assert diagnosis.reason(_pod(conditions=[{"type": "Ready", "status": "True"}])) is None


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            {"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ErrImagePull", "message": "gone"}}}]},
            "pod p: container c: ErrImagePull: gone",
        ),
        (
            {"initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}]},
            "pod p: container i ended with exit code 2: Error",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "full"}]},
            "pod p: Unschedulable: full",
        ),
        ({"phase": "Pending"}, "pod p: Pending"),
    ],
    ids=["image", "init-container", "scheduling", "no-word"],
)
def test_an_unready_pod_says_why(status: dict[str, Any], said: str) -> None:
    assert diagnosis.reason(_pod(**status)) == said
