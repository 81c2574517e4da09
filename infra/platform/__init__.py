"""What a cluster needs before git can take over: Argo CD, and the seam that hands it the stack's outputs."""

from infra.clusters.cluster import Cluster
from infra.platform import api_tokens, argocd, bootstrap, monitoring
from infra.settings import Settings


def install(settings: Settings, cluster: Cluster) -> None:
    """Argo CD, what git may not give itself, and the root Application through which git owns the rest."""
    installed = argocd.install(cluster)
    monitoring.bind(cluster)
    bootstrap.hand_over(settings, cluster, installed, api_tokens.provide(settings, cluster))
