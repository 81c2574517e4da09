"""Target local: the embedded node on this machine, with its GPU pools simulated by KWOK."""

from typing import Final

import pulumi

from infra.clusters.cluster import Cluster, PlatformImages, kubernetes_provider
from infra.clusters.local_node import LocalNode, LocalNodeRunning
from infra.clusters.simulated import simulate
from infra.manifest import Manifest
from infra.node.images import ARGOCD_IMAGE, REDIS_IMAGE
from infra.node.spec import NodeSpec
from infra.pools import NodePool
from infra.settings import Settings
from lookout import contract

_REFUSING: Final = "https://127.0.0.1:1"
"""Port 1, tcpmux, which nobody serves."""


def provision(settings: Settings) -> Cluster:
    """The embedded node, its pool labels and its simulated pools."""
    spec = settings.node
    node = LocalNode("node", spec)
    running = LocalNodeRunning("node-running", spec, node)
    access = node.kubeconfig.apply(lambda text: _answering_at_once(text, spec))
    cluster = Cluster(
        kubeconfig=node.kubeconfig,
        identity=node.identity,
        provider=kubernetes_provider(access, node.identity, owner=node, needs=running),
        owner=node,
        needs=(running,),
        repository=settings.gitops.repository or spec.git_url_in_cluster,
        push_url=settings.gitops.repository or spec.git_url,
        # containerd in the node knows the registry under the name that git uses; images are pushed through the door.
        registry=settings.registry or contract.REGISTRY,
        push_registry=settings.registry or spec.registry,
        doors={name: f"http://127.0.0.1:{getattr(spec.doors, name)}" for name in reversed(contract.ENVIRONMENTS)},
        pools=tuple(pool.summary(simulated=pool.gpu is not None) for pool in settings.node_pools),
        images=PlatformImages(argocd=ARGOCD_IMAGE, redis=REDIS_IMAGE),
        small=True,
    )
    for pool in settings.node_pools:
        if pool.gpu:
            simulate(pool, cluster)
        else:
            _label(spec, pool, cluster)
    return cluster


def _answering_at_once(kubeconfig: str, spec: NodeSpec) -> str:
    """In a preview of a node that stands still, an address that refuses at once.

    The node's own address leads nowhere then, and the Kubernetes provider would wait half a minute before it compares
    without the cluster.
    """
    from infra.node import lifecycle

    if not pulumi.runtime.is_dry_run() or lifecycle.is_running(spec):
        return kubeconfig
    return kubeconfig.replace(spec.api_url, _REFUSING)


def _label(spec: NodeSpec, pool: NodePool, cluster: Cluster) -> None:
    patch = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": spec.name,
            "labels": pool.all_labels,
        },
    }
    Manifest(patch, cluster.inside(), kind="NodePatch")
