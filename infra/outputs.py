"""What a stack tells whoever comes next: `pulumi stack output` shows it."""

from typing import Any

import pulumi

from infra.clusters.cluster import Cluster
from infra.platform import argocd
from infra.settings import Settings
from lookout import contract


def export(settings: Settings, cluster: Cluster) -> None:
    """Register the stack's outputs; the kubeconfig is a secret among them."""
    for name, value in plain(settings, cluster).items():
        pulumi.export(name, value)
    pulumi.export("kubeconfig", pulumi.Output.secret(cluster.kubeconfig))


def plain(settings: Settings, cluster: Cluster) -> dict[str, Any]:
    """The outputs that are known before anything is created."""
    return {
        "target": settings.target,
        "environments": {name: cluster.doors.get(name, contract.namespace(name)) for name in contract.ENVIRONMENTS},
        "pushTo": cluster.push_url,
        "repository": cluster.repository,
        "revision": settings.gitops.revision,
        "registry": cluster.push_registry,
        "nodePools": list(cluster.pools),
        "argocd": argocd.version(),
    }
