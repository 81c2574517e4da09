"""The hand-over: the cluster Secret that tells Argo CD about this stack, and the one Application that Pulumi owns.

The Secret follows the gitops-bridge pattern: what Pulumi knows and manifests need stands there as labels and
annotations, where ApplicationSets read it.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import pulumi

from infra.clusters.cluster import Cluster
from infra.manifest import Manifest
from infra.platform import api_tokens
from infra.platform.argocd import Installed
from infra.settings import Settings
from lookout import contract

_IN_CLUSTER: Final = "https://kubernetes.default.svc"
_PROJECTS: Final = (contract.ARGOCD_PROJECT, contract.MONITORING)
"""The AppProjects in the configuration repository."""
_ROOT_FILES: Final = "{projects/*.yaml,applicationsets/*.yaml}"


def hand_over(
    settings: Settings, cluster: Cluster, installed: Installed, tokens: Sequence[pulumi.Resource] = ()
) -> None:
    """Register this cluster with Argo CD and give it the root of the configuration repository.

    `tokens` are there before anybody is told of them, and longer.
    """
    secret = Manifest(cluster_secret(settings, cluster), cluster.inside(*installed.ground, *tokens))
    repositories = [
        Manifest(repository_secret(cluster, project), cluster.inside(*installed.ground)) for project in _PROJECTS
    ]
    project = Manifest(bootstrap_project(cluster), cluster.inside(*installed.ground))
    # A cluster of our own disappears as a whole. Elsewhere the root has to take down what it brought, for which the
    # controllers must outlive it. That does not reach the Applications of the environments: their ApplicationSet's
    # policy, create-update, lets them outlive it, so Argo CD strips their owner when the set goes. Left over, they
    # wait for ever to be finalized, for their project is gone by then. They have to go before a destroy, by hand:
    # the comment of Pulumi.existing.example.yaml says how.
    cascade = cluster.owner is None
    root = root_application(settings, cluster, cascade=cascade)
    Manifest(root, cluster.inside(secret, *repositories, project, *(installed.controllers if cascade else ())))


def cluster_secret(settings: Settings, cluster: Cluster) -> dict[str, Any]:
    """Argo CD's own cluster, carrying the stack's outputs."""
    pools = [{"name": pool["name"], "gpu": pool["gpu"], "simulated": pool["simulated"]} for pool in cluster.pools]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": contract.CLUSTER_SECRET,
            "namespace": contract.ARGOCD_NAMESPACE,
            "labels": {
                "argocd.argoproj.io/secret-type": "cluster",
                contract.TARGET_LABEL: settings.target,
                **({contract.MONITORING_LABEL: "true"} if cluster.monitoring else {}),
            },
            "annotations": {
                contract.REPOSITORY_ANNOTATION: cluster.repository,
                contract.REVISION_ANNOTATION: settings.gitops.revision,
                contract.REGISTRY_ANNOTATION: cluster.registry,
                contract.POOLS_ANNOTATION: json.dumps(pools, separators=(",", ":")),
                **_monitoring(cluster),
                **_tokens(settings),
            },
        },
        "type": "Opaque",
        "stringData": {
            "name": contract.CLUSTER_SECRET,
            "server": _IN_CLUSTER,
            "config": json.dumps({"tlsClientConfig": {"insecure": False}}),
        },
    }


def _monitoring(cluster: Cluster) -> dict[str, str]:
    if cluster.monitoring is None:
        return {}
    return {
        contract.PROMETHEUS_IMAGE_ANNOTATION: cluster.monitoring.prometheus,
        contract.METRICS_ADAPTER_IMAGE_ANNOTATION: cluster.monitoring.metrics_adapter,
    }


def _tokens(settings: Settings) -> dict[str, str]:
    if settings.api_tokens is None:
        return {}
    return {contract.API_TOKENS_ANNOTATION: api_tokens.fingerprint(settings.api_tokens)}


def repository_secret(cluster: Cluster, project: str) -> dict[str, Any]:
    """The configuration repository, scoped to one of its AppProjects.

    Argo CD adds the URL of a project-scoped repository to the project's sources, so the project in git permits this
    one repository without naming it. It has to be there before the project is first read, for Argo CD caches projects.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"{project}-configuration",
            "namespace": contract.ARGOCD_NAMESPACE,
            "labels": {"argocd.argoproj.io/secret-type": "repository"},
        },
        "type": "Opaque",
        "stringData": {"type": "git", "url": cluster.repository, "project": project},
    }


def bootstrap_project(cluster: Cluster) -> dict[str, Any]:
    """The AppProject of the root Application: it may make Argo CD's own resources and nothing else."""
    kinds = ("AppProject", "Application", "ApplicationSet")
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": contract.ARGOCD_BOOTSTRAP_PROJECT, "namespace": contract.ARGOCD_NAMESPACE},
        "spec": {
            "description": "The root of the configuration repository; projects and ApplicationSets only",
            "sourceRepos": [cluster.repository],
            "destinations": [{"server": _IN_CLUSTER, "namespace": contract.ARGOCD_NAMESPACE}],
            "namespaceResourceWhitelist": [{"group": "argoproj.io", "kind": kind} for kind in kinds],
        },
    }


def root_application(settings: Settings, cluster: Cluster, *, cascade: bool) -> dict[str, Any]:
    """The root: projects and ApplicationSets of the configuration repository, kept as git has them."""
    metadata: dict[str, Any] = {"name": contract.ROOT_APPLICATION, "namespace": contract.ARGOCD_NAMESPACE}
    if cascade:
        metadata["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": metadata,
        "spec": {
            "project": contract.ARGOCD_BOOTSTRAP_PROJECT,
            "source": {
                "repoURL": cluster.repository,
                "targetRevision": settings.gitops.revision,
                "path": ".",
                "directory": {"recurse": True, "include": _ROOT_FILES},
            },
            "destination": {"server": _IN_CLUSTER, "namespace": contract.ARGOCD_NAMESPACE},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": ["ServerSideApply=true"],
                "retry": {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "1m"}},
            },
        },
    }
