"""Target local: the embedded node on this machine, with its GPU pools simulated by KWOK."""

from infra.clusters.cluster import Cluster, PlatformImages, kubernetes_provider
from infra.clusters.local_node import LocalNode
from infra.clusters.simulated import simulate
from infra.manifest import Manifest
from infra.node.images import ARGOCD_IMAGE, REDIS_IMAGE
from infra.node.spec import NodeSpec
from infra.pools import NodePool
from infra.settings import Settings
from lookout import contract


def provision(settings: Settings) -> Cluster:
    """The embedded node, its pool labels and its simulated pools."""
    spec = settings.node
    node = LocalNode("node", spec)
    cluster = Cluster(
        kubeconfig=node.kubeconfig,
        identity=node.id,
        provider=kubernetes_provider(node.kubeconfig, node.id, owner=node),
        owner=node,
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


def _label(spec: NodeSpec, pool: NodePool, cluster: Cluster) -> None:
    patch = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": spec.name,
            "labels": pool.all_labels,
            "annotations": {"pulumi.com/patchForce": "true"},
        },
    }
    Manifest(patch, cluster.inside(), kind="NodePatch")
