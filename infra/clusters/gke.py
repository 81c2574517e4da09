"""Target gke: a regional GKE cluster whose node pools scale by themselves."""

import json
from typing import Any, Final

import pulumi
import pulumi_gcp as gcp

from infra.clusters.cluster import Cluster, elsewhere
from infra.pools import GPU_TAINT, NodePool
from infra.settings import Gke, Settings

# https://cloud.google.com/compute/docs/gpus
_ACCELERATORS: Final = {
    "nvidia-t4": "nvidia-tesla-t4",
    "nvidia-l4": "nvidia-l4",
    "nvidia-v100": "nvidia-tesla-v100",
    "nvidia-a100-40gb": "nvidia-tesla-a100",
    "nvidia-a100-80gb": "nvidia-a100-80gb",
    "nvidia-h100-80gb": "nvidia-h100-80gb",
}
_EFFECTS: Final = {
    "NoSchedule": "NO_SCHEDULE",
    "PreferNoSchedule": "PREFER_NO_SCHEDULE",
    "NoExecute": "NO_EXECUTE",
}

# GKE spreads a regional pool over three zones unless told otherwise:
# https://cloud.google.com/kubernetes-engine/docs/concepts/regional-clusters
_ZONES_OF_A_REGION: Final = 3


def provision(settings: Settings) -> Cluster:
    """The cluster, its pools, and a kubeconfig that asks gcloud for a token."""
    section = settings.section(Gke)
    account = pulumi.ResourceOptions(provider=gcp.Provider("gcp", project=section.project, region=section.region))
    made = gcp.container.Cluster(
        "cluster",
        name=section.name,
        location=section.region,
        release_channel={"channel": section.release_channel},
        # A cluster cannot be made without a pool; ours come one by one.
        initial_node_count=1,
        remove_default_node_pool=True,
        workload_identity_config={"workload_pool": f"{section.project}.svc.id.goog"},
        deletion_protection=False,
        opts=account,
    )
    pools = [_pool(pool, section, made, account) for pool in settings.node_pools]
    authority = made.master_auth.apply(lambda auth: auth.cluster_ca_certificate)
    kubeconfig: pulumi.Output[str] = pulumi.Output.secret(
        pulumi.Output.all(made.name, made.endpoint, authority).apply(lambda known: _kubeconfig(*known))
    )
    return elsewhere(settings, kubeconfig, made.self_link, owner=made, needs=tuple(pools))


def node_config(pool: NodePool) -> dict[str, Any]:
    """A pool's nodes as GKE describes them. GKE puts the GPU taint on by itself."""
    config: dict[str, Any] = {
        "machine_type": pool.machine_type,
        "spot": pool.spot,
        "labels": pool.all_labels,
        "taints": [
            {"key": taint.key, "value": taint.value, "effect": _EFFECTS[taint.effect]}
            for taint in pool.all_taints
            if taint != GPU_TAINT
        ],
        "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "workload_metadata_config": {"mode": "GKE_METADATA"},
    }
    if pool.gpu:
        config["guest_accelerators"] = [
            {
                "type": _ACCELERATORS[pool.gpu.type],
                "count": pool.gpu.count,
                "gpu_driver_installation_config": {"gpu_driver_version": "DEFAULT"},
            }
        ]
    return config


def initial_node_count(pool: NodePool) -> int:
    """Nodes that the pool starts with in each of its zones: one, where it is to have any and that many fit.

    A pool that starts empty gets its nodes from GKE's autoscaler as soon as pods wait for them.
    """
    zones = len(pool.zones) or _ZONES_OF_A_REGION
    return 1 if pool.min > 0 and zones <= pool.max else 0


def _pool(
    pool: NodePool, section: Gke, cluster: gcp.container.Cluster, account: pulumi.ResourceOptions
) -> gcp.container.NodePool:
    return gcp.container.NodePool(
        pool.name,
        name=pool.name,
        cluster=cluster.name,
        location=section.region,
        node_locations=list(pool.zones) or None,
        initial_node_count=initial_node_count(pool),
        # Totals, for GKE's other limits count each zone.
        autoscaling={
            "total_min_node_count": pool.min,
            "total_max_node_count": pool.max,
            "location_policy": "ANY" if pool.spot else "BALANCED",
        },
        management={"auto_repair": True, "auto_upgrade": True},
        node_config=node_config(pool),
        opts=pulumi.ResourceOptions.merge(
            account, pulumi.ResourceOptions(deleted_with=cluster, ignore_changes=["initialNodeCount"])
        ),
    )


def _kubeconfig(name: str, endpoint: str, authority: str) -> str:
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "gke-gcloud-auth-plugin",
            "installHint": "https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl",
            "provideClusterInfo": True,
        }
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "clusters": [
                {"name": name, "cluster": {"server": f"https://{endpoint}", "certificate-authority-data": authority}}
            ],
            "users": [{"name": name, "user": user}],
        }
    )
