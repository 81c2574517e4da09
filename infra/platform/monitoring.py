"""What the custom metrics API may do in the cluster.

Pulumi binds these rights, so that Argo CD need not be allowed to bind any: a push that may make a ClusterRoleBinding
may make its author the cluster's administrator. What they are bound to, a ServiceAccount, comes from git.
"""

from typing import Any, Final

from infra.clusters.cluster import Cluster
from infra.manifest import Manifest
from lookout import contract

_GROUP: Final = "rbac.authorization.k8s.io"
_DELEGATES: Final = "lookout-metrics-api-delegates"
_CERTIFICATE: Final = "lookout-metrics-api-certificate"
_AUTHENTICATION: Final = "lookout-metrics-api-authentication"


def bind(cluster: Cluster) -> None:
    """Give monitoring its rights, in a cluster that is to have it."""
    if cluster.monitoring is not None:
        for document in rights():
            Manifest(document, cluster.inside())


def rights() -> list[dict[str, Any]]:
    """A ClusterRole and the bindings of the adapter's ServiceAccount."""
    # Of all APIServices the one whose certificate the pod's serving-certificate writes.
    rule = {
        "apiGroups": ["apiregistration.k8s.io"],
        "resources": ["apiservices"],
        "resourceNames": [contract.METRICS_API],
        "verbs": ["patch"],
    }
    return [
        {"apiVersion": f"{_GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": _CERTIFICATE}, "rules": [rule]},
        _binding("ClusterRoleBinding", {"name": _CERTIFICATE}, "ClusterRole", _CERTIFICATE),
        # To ask the API server who is calling and whether they may.
        _binding("ClusterRoleBinding", {"name": _DELEGATES}, "ClusterRole", "system:auth-delegator"),
        # To know the API server's own certificate, with which it introduces callers.
        _binding(
            "RoleBinding",
            {"name": _AUTHENTICATION, "namespace": "kube-system"},
            "Role",
            "extension-apiserver-authentication-reader",
        ),
    ]


def _binding(kind: str, metadata: dict[str, str], role_kind: str, role: str) -> dict[str, Any]:
    account = {
        "kind": "ServiceAccount",
        "name": contract.METRICS_ADAPTER,
        "namespace": contract.MONITORING_NAMESPACE,
    }
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": _GROUP, "kind": role_kind, "name": role},
        "subjects": [account],
    }
