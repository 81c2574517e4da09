"""One NodePool, translated by each cloud's target; assertions come after the run, on plain dicts."""

from pathlib import Path
from typing import Any

import pytest

from infra import clusters
from infra.clusters import gke
from infra.clusters.cluster import Cluster
from infra.pools import NodePool
from infra.settings import parse
from lookout import contract
from lookout.errors import LookoutError

LABELS = {
    contract.POOL_LABEL: "gpu",
    contract.GPU_LABEL: "nvidia-t4",
    contract.SPOT_LABEL: "true",
    "team": "vision",
}


def _provision(record: Any, settings: dict[str, Any]) -> Any:
    made: list[Cluster] = []
    recorded = record(lambda: made.append(clusters.provision(parse(settings))))
    assert made[0].repository == "https://git.example.com/team/config.git"
    return recorded


def test_gke(record: Any, cloud: dict[str, Any]) -> None:
    recorded = _provision(record, {**cloud, "target": "gke", "gke": {"project": "p", "region": "r"}})
    pool = recorded.of("gcp:container/nodePool:NodePool")["gpu"]
    assert pool["autoscaling"] == {"totalMinNodeCount": 0, "totalMaxNodeCount": 4, "locationPolicy": "ANY"}
    assert pool["nodeLocations"] == ["a", "b"]
    config = pool["nodeConfig"]
    assert (config["machineType"], config["spot"], config["labels"]) == ("large", True, LABELS)
    assert [(gpu["type"], gpu["count"]) for gpu in config["guestAccelerators"]] == [("nvidia-tesla-t4", 2)]
    # GKE adds the GPU taint by itself.
    assert config["taints"] == [{"key": "dedicated", "value": "vision", "effect": "NO_EXECUTE"}]
    assert "guestAccelerators" not in recorded.of("gcp:container/nodePool:NodePool")["cpu"]["nodeConfig"]


def test_eks(record: Any, cloud: dict[str, Any]) -> None:
    recorded = _provision(record, {**cloud, "target": "eks", "eks": {"region": "r"}})
    group = recorded.of("aws:eks/nodeGroup:NodeGroup")["gpu"]
    assert group["scalingConfig"] == {"minSize": 0, "maxSize": 4, "desiredSize": 0}
    assert (group["instanceTypes"], group["capacityType"], group["labels"]) == (["large"], "SPOT", LABELS)
    assert group["amiType"] == "AL2023_x86_64_NVIDIA"
    assert group["subnetIds"] == ["subnet-a", "subnet-b"]
    assert group["taints"] == [
        {"key": "dedicated", "value": "vision", "effect": "NO_EXECUTE"},
        {"key": contract.GPU_TAINT_KEY, "value": "present", "effect": "NO_SCHEDULE"},
    ]
    assert recorded.of("aws:eks/nodeGroup:NodeGroup")["cpu"]["amiType"] == "AL2023_x86_64_STANDARD"


def test_eks_uses_no_role_before_it_has_its_rights(record: Any, cloud: dict[str, Any]) -> None:
    recorded = _provision(record, {**cloud, "target": "eks", "eks": {"region": "r"}})
    assert "AmazonEKSClusterPolicy" in recorded.dependencies["aws:eks/cluster:Cluster", "cluster"]
    for pool in ("cpu", "gpu"):
        assert recorded.dependencies["aws:eks/nodeGroup:NodeGroup", pool] >= {
            "AmazonEKSWorkerNodePolicy",
            "AmazonEKS_CNI_Policy",
            "AmazonEC2ContainerRegistryReadOnly",
        }


def test_eks_tells_the_autoscaler_about_a_group_without_nodes(record: Any, cloud: dict[str, Any]) -> None:
    recorded = _provision(record, {**cloud, "target": "eks", "eks": {"region": "r"}})
    tags = recorded.of("aws:autoscaling/tag:Tag")
    mine = {tag["tag"]["key"]: tag["tag"]["value"] for name, tag in tags.items() if name.startswith("gpu/")}
    prefix = "k8s.io/cluster-autoscaler/node-template"
    assert mine == {
        **{f"{prefix}/label/{key}": value for key, value in LABELS.items()},
        f"{prefix}/taint/dedicated": "vision:NoExecute",
        f"{prefix}/taint/{contract.GPU_TAINT_KEY}": "present:NoSchedule",
        f"{prefix}/resources/{contract.GPU_RESOURCE}": "2",
    }
    assert {tag["autoscalingGroupName"] for tag in tags.values()} == {"asg-1"}


def test_aks(record: Any, cloud: dict[str, Any]) -> None:
    recorded = _provision(record, {**cloud, "target": "aks", "aks": {"location": "l"}})
    pool = recorded.of("azure-native:containerservice:AgentPool")["gpu"]
    assert (pool["minCount"], pool["maxCount"], pool["enableAutoScaling"]) == (0, 4, True)
    assert (pool["vmSize"], pool["scaleSetPriority"], pool["availabilityZones"]) == ("large", "Spot", ["a", "b"])
    assert pool["nodeLabels"] == LABELS
    assert pool["nodeTaints"] == ["dedicated=vision:NoExecute", f"{contract.GPU_TAINT_KEY}=present:NoSchedule"]
    system = recorded.of("azure-native:containerservice:ManagedCluster")["cluster"]["agentPoolProfiles"]
    assert [(profile["name"], profile["mode"]) for profile in system] == [("cpu", "System")]


def test_aks_makes_no_spot_pool_the_system_pool(record: Any, cloud: dict[str, Any]) -> None:
    spot = {"name": "cheap", "machineType": "small", "min": 1, "max": 3, "spot": True}
    settings = {**cloud, "target": "aks", "aks": {"location": "l"}}
    recorded = _provision(record, {**settings, "nodePools": [spot, *cloud["nodePools"]]})
    system = recorded.of("azure-native:containerservice:ManagedCluster")["cluster"]["agentPoolProfiles"]
    assert [profile["name"] for profile in system] == ["cpu"]
    assert "cheap" in recorded.of("azure-native:containerservice:AgentPool")
    with pytest.raises(LookoutError, match="no spot pool be the system pool"):
        parse({**settings, "nodePools": [spot]})


@pytest.mark.parametrize(
    ("pool", "each_zone"),
    [
        ({"min": 1, "max": 3}, 1),
        ({"min": 1, "max": 2}, 0),
        ({"min": 1, "max": 2, "zones": ["a", "b"]}, 1),
        ({"min": 1, "max": 1, "zones": ["a", "b"]}, 0),
        ({"min": 0, "max": 9}, 0),
    ],
)
def test_a_gke_pool_never_starts_above_its_maximum(pool: dict[str, Any], each_zone: int) -> None:
    described = NodePool.model_validate({"name": "cpu", "machine_type": "small", **pool})
    assert gke.initial_node_count(described) == each_zone


def test_kind(record: Any, cloud: dict[str, Any]) -> None:
    pools = [{"name": "cpu", "machineType": "any", "min": 2, "max": 2, "labels": {"team": "vision"}}]
    recorded = _provision(record, {**cloud, "target": "kind", "nodePools": pools})
    command = recorded.of("command:local:Command")["cluster"]
    assert command["create"].startswith("kind create cluster --name lookout ")
    assert command["delete"] == "kind delete cluster --name lookout"
    assert command["stdin"].count('"role": "worker"') == 2
    assert '"team": "vision"' in command["stdin"]


def _existing(tmp_path: Path, cloud: dict[str, Any], **section: str) -> dict[str, Any]:
    file = tmp_path / "config"
    file.write_text(
        "current-context: one\n"
        "contexts: [{name: one, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://10.0.0.1'}}]\n"
    )
    return {**cloud, "target": "existing", "existing": {"kubeconfig": str(file), **section}}


def test_existing_makes_no_machine(record: Any, cloud: dict[str, Any], tmp_path: Path) -> None:
    recorded = _provision(record, _existing(tmp_path, cloud))
    assert [kind for kind, _, _ in recorded.resources] == ["pulumi:providers:kubernetes"]


def test_existing_says_which_contexts_there_are(record: Any, cloud: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match=r"has no context two; it has: one"):
        _provision(record, _existing(tmp_path, cloud, context="two"))


def test_existing_says_that_the_kubeconfig_is_missing(record: Any, cloud: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="there is no file"):
        _provision(record, _existing(tmp_path, cloud, kubeconfig=str(tmp_path / "nowhere")))


@pytest.mark.parametrize("target", ["gke", "eks", "aks"])
def test_the_platform_waits_for_the_pools_and_goes_with_the_cluster(
    target: str, record: Any, cloud: dict[str, Any]
) -> None:
    sections = {"gke": {"project": "p", "region": "r"}, "eks": {"region": "r"}, "aks": {"location": "l"}}
    made: list[Cluster] = []
    record(lambda: made.append(clusters.provision(parse({**cloud, "target": target, target: sections[target]}))))
    assert made[0].owner is not None
    assert made[0].needs
    assert made[0].inside().deleted_with is made[0].owner
