"""Target local: the embedded node on this machine, with its GPU pools simulated by KWOK."""

from typing import Any, Final

import pulumi

from infra.clusters.cluster import (
    Cluster,
    MonitoringImages,
    PlatformImages,
    kubernetes_provider,
    monitoring_images,
)
from infra.clusters.local_node import LocalNode, LocalNodeRunning
from infra.clusters.simulated import simulate
from infra.manifest import Manifest
from infra.node.images import ARGOCD_IMAGE, METRICS_ADAPTER_IMAGE, PROMETHEUS_IMAGE, REDIS_IMAGE
from infra.node.spec import NodeSpec
from infra.node.worker_spec import wanted
from infra.pools import ZONE_LABEL, NodePool
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
        pools=tuple(_summary(pool, spec) for pool in settings.node_pools),
        images=PlatformImages(argocd=ARGOCD_IMAGE, redis=REDIS_IMAGE),
        monitoring=monitoring_images(settings) or MonitoringImages(PROMETHEUS_IMAGE, METRICS_ADAPTER_IMAGE),
        small=True,
        # Beside git and the doors: a worker that fails takes no part of the platform with it.
        platform_nodes={"node-role.kubernetes.io/control-plane": ""},
    )
    for pool in settings.node_pools:
        if pool.gpu:
            simulate(pool, cluster)
        else:
            _label(spec, pool, cluster)
    return cluster


def _summary(pool: NodePool, spec: NodeSpec) -> dict[str, Any]:
    """A pool as it is here: simulated, or the real nodes, which are as many as there are workers and one more."""
    real = {"min": 1 + spec.workers, "max": 1 + spec.workers}
    return pool.summary(simulated=True) if pool.gpu else pool.model_copy(update=real).summary(simulated=False)


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
    """Put the pool's labels on every real node."""
    names = [spec.name, *(worker.name for worker in wanted(spec))]
    for number, name in enumerate(names):
        # The scheduler spreads pods only over nodes that carry every label their constraints name, so each has a zone.
        zone = pool.zones[number % len(pool.zones)] if pool.zones else spec.name
        patch = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {**pool.all_labels, ZONE_LABEL: zone}},
        }
        options = cluster.inside()
        # A worker that left took its labels along: there is no Node to take them from.
        options.retain_on_delete = name != spec.name
        Manifest(patch, options, kind="NodePatch")
