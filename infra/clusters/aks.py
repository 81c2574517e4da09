"""Target aks: an AKS cluster whose node pools scale by themselves."""

import base64
from typing import Any

import pulumi
from pulumi_azure_native import containerservice, resources

from infra.clusters.cluster import Cluster, elsewhere
from infra.pools import NodePool
from infra.settings import Aks, Settings


def provision(settings: Settings) -> Cluster:
    """The cluster in a resource group of its own. The system pool is the first that takes any pod for good."""
    section = settings.section(Aks)
    group = resources.ResourceGroup("group", resource_group_name=section.name, location=section.location)
    # AKS lets no spot pool be the system pool; the settings have been checked for one that can be.
    system = next(pool for pool in settings.node_pools if pool.takes_any_pod and pool.min > 0 and not pool.spot)
    made = containerservice.ManagedCluster(
        "cluster",
        resource_group_name=group.name,
        resource_name_=section.name,
        location=section.location,
        dns_prefix=section.name,
        kubernetes_version=section.version,
        identity={"type": containerservice.ResourceIdentityType.SYSTEM_ASSIGNED},
        agent_pool_profiles=[{**agent_pool(system), "name": system.name, "mode": "System"}],
        opts=pulumi.ResourceOptions(ignore_changes=["agentPoolProfiles[*].count"]),
    )
    pools = [
        containerservice.AgentPool(
            pool.name,
            resource_group_name=group.name,
            resource_name_=made.name,
            agent_pool_name=pool.name,
            mode="User",
            **agent_pool(pool),
            opts=pulumi.ResourceOptions(deleted_with=made, ignore_changes=["count"]),
        )
        for pool in settings.node_pools
        if pool is not system
    ]
    credentials = containerservice.list_managed_cluster_admin_credentials_output(
        resource_group_name=group.name, resource_name=made.name
    )
    kubeconfig = pulumi.Output.secret(
        credentials.kubeconfigs.apply(lambda found: base64.b64decode(found[0].value).decode())
    )
    return elsewhere(settings, kubeconfig, made.id, owner=made, needs=tuple(pools))


def agent_pool(pool: NodePool) -> dict[str, Any]:
    """A pool as AKS describes it. On spot pools AKS adds a taint of its own, kubernetes.azure.com/scalesetpriority."""
    described: dict[str, Any] = {
        "vm_size": pool.machine_type,
        "count": pool.min,
        "min_count": pool.min,
        "max_count": pool.max,
        "enable_auto_scaling": True,
        "os_type": "Linux",
        "node_labels": pool.all_labels,
        "node_taints": [f"{taint.key}={taint.value}:{taint.effect}" for taint in pool.all_taints],
        "availability_zones": list(pool.zones) or None,
    }
    if pool.spot:
        described |= {
            "scale_set_priority": "Spot",
            "scale_set_eviction_policy": "Delete",
            # Up to the on-demand price.
            "spot_max_price": -1.0,
        }
    return described
