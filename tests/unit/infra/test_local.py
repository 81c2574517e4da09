"""Target local as the program registers it; assertions come after the run, on plain dicts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra import clusters, platform
from infra.clusters import local_node, simulated
from infra.node import images
from infra.platform import monitoring
from infra.pools import NodePool
from infra.settings import Settings, parse
from lookout import contract

_RIGHTS = "kubernetes:rbac.authorization.k8s.io/v1"
POOLS = {
    "nodePools": [
        {"name": "cpu", "machineType": "this-machine"},
        {
            "name": "gpu",
            "machineType": "g2",
            "min": 2,
            "max": 4,
            "gpu": {"type": "nvidia-l4", "count": 2},
            "zones": ["a", "b", "c"],
            "taints": [{"key": "dedicated", "value": "vision"}],
        },
    ]
}


@pytest.fixture
def recorded(record: Any, manifest: Path) -> Any:  # noqa: ARG001  # puts the manifest in place
    """The whole program, run once."""

    def program() -> None:
        settings = parse(POOLS)
        platform.install(settings, clusters.provision(settings))

    return record(program)


def test_a_simulated_node_stands_for_each_of_the_minimum(recorded: Any) -> None:
    nodes = recorded.of("kubernetes:core/v1:Node")
    assert sorted(nodes) == ["Node/sim-gpu-0", "Node/sim-gpu-1"]
    metadata = nodes["Node/sim-gpu-1"]["metadata"]
    assert metadata["annotations"][contract.SIMULATED_KEY] == "fake"
    assert metadata["annotations"][contract.GPU_COUNT_ANNOTATION] == "2"
    assert metadata["labels"][contract.POOL_LABEL] == "gpu"
    assert metadata["labels"]["topology.kubernetes.io/zone"] == "b"
    assert {taint["key"] for taint in nodes["Node/sim-gpu-1"]["spec"]["taints"]} == {
        "dedicated",
        contract.GPU_TAINT_KEY,
        contract.SIMULATED_KEY,
    }


def test_a_wrong_expectation_fails(recorded: Any) -> None:
    """Guards all the others: were an assertion swallowed, as inside `apply`, this test would not pass."""
    with pytest.raises(AssertionError):
        assert sorted(recorded.of("kubernetes:core/v1:Node")) == ["Node/sim-gpu-0"]
    with pytest.raises(AssertionError):
        assert not recorded.of("kubernetes:core/v1:NodePatch")


def test_an_error_in_the_program_is_not_swallowed(record: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        record(lambda: pulumi.Output.from_input(0).apply(lambda value: 1 / value))


def test_the_pool_without_gpu_is_a_label_on_the_real_node(recorded: Any) -> None:
    patches = recorded.of("kubernetes:core/v1:NodePatch")
    assert list(patches) == ["Node/lookout"]
    assert patches["Node/lookout"]["metadata"]["labels"][contract.POOL_LABEL] == "cpu"


def test_definitions_come_before_what_they_define(recorded: Any) -> None:
    order = recorded.names
    for later in ("argocd/AppProject/bootstrap", "argocd/Application/lookout"):
        assert order.index("argocd-definitions") < order.index(later)
    assert not recorded.of("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition")


def test_pulumi_owns_argocd_and_never_a_workload(recorded: Any) -> None:
    namespaced = [
        inputs["metadata"]["namespace"]
        for kind, _, inputs in recorded.resources
        if kind.startswith("kubernetes:") and "namespace" in inputs.get("metadata", {})
    ]
    # Elsewhere it makes one RoleBinding, for the custom metrics API.
    assert set(namespaced) == {contract.ARGOCD_NAMESPACE, "kube-system"}
    assert list(recorded.of(f"{_RIGHTS}:RoleBinding")) == ["kube-system/RoleBinding/lookout-metrics-api-authentication"]


def test_the_metrics_api_has_its_rights_where_there_is_one(record: Any) -> None:
    def program() -> None:
        cluster = clusters.provision(parse(POOLS))
        monitoring.bind(replace(cluster, monitoring=None))
        assert cluster.monitoring

    kinds = [f"{_RIGHTS}:{kind}" for kind in ("ClusterRole", "ClusterRoleBinding", "RoleBinding")]
    assert [len(record(program).of(kind)) for kind in kinds] == [0, 0, 0]
    with_it = record(lambda: monitoring.bind(clusters.provision(parse(POOLS))))
    assert [len(with_it.of(kind)) for kind in kinds] == [1, 2, 1]


def test_the_cluster_secret_says_where_the_images_and_the_configuration_are(recorded: Any) -> None:
    secret = recorded.of("kubernetes:core/v1:Secret")[f"argocd/Secret/{contract.CLUSTER_SECRET}"]
    assert secret["metadata"]["labels"][contract.TARGET_LABEL] == "local"
    assert secret["metadata"]["annotations"][contract.REPOSITORY_ANNOTATION] == Settings().node.git_url_in_cluster
    assert secret["metadata"]["annotations"][contract.REVISION_ANNOTATION] == contract.GIT_BRANCH
    assert secret["metadata"]["annotations"][contract.REGISTRY_ANNOTATION] == contract.REGISTRY
    assert secret["metadata"]["annotations"][contract.PROMETHEUS_IMAGE_ANNOTATION] == images.PROMETHEUS_IMAGE
    assert secret["metadata"]["annotations"][contract.METRICS_ADAPTER_IMAGE_ANNOTATION] == images.METRICS_ADAPTER_IMAGE
    assert secret["metadata"]["labels"][contract.MONITORING_LABEL] == "true"
    assert '"simulated":true' in secret["metadata"]["annotations"][contract.POOLS_ANNOTATION]


def test_each_project_of_the_configuration_may_read_it(recorded: Any) -> None:
    secrets = recorded.of("kubernetes:core/v1:Secret").values()
    repositories = [secret["stringData"] for secret in secrets if secret["stringData"].get("type") == "git"]
    assert {secret["project"] for secret in repositories} == {contract.ARGOCD_PROJECT, contract.MONITORING}
    assert {secret["url"] for secret in repositories} == {Settings().node.git_url_in_cluster}


def test_every_object_keeps_its_field_manager(recorded: Any) -> None:
    objects = [i for kind, _, i in recorded.resources if kind.startswith("kubernetes:") and "metadata" in i]
    assert objects
    assert {item["metadata"]["annotations"]["pulumi.com/patchFieldManager"] for item in objects} == {"lookout-pulumi"}


def test_everything_in_the_cluster_goes_with_the_node(record: Any) -> None:
    found: list[pulumi.ResourceOptions] = []
    owners: list[pulumi.Resource | None] = []

    def program() -> None:
        cluster = clusters.provision(parse(POOLS))
        owners.append(cluster.owner)
        found.append(cluster.inside())

    record(program)
    assert isinstance(owners[0], local_node.LocalNode)
    assert found[0].deleted_with is owners[0]
    assert found[0].custom_timeouts is not None
    assert found[0].custom_timeouts.create == "3m"


def test_every_real_node_carries_the_pools_labels_and_a_zone(record: Any) -> None:
    settings = parse({**POOLS, "local": {"workers": 2}})
    patches = record(lambda: clusters.provision(settings)).of("kubernetes:core/v1:NodePatch")
    assert sorted(patches) == ["Node/lookout", "Node/lookout-worker-1", "Node/lookout-worker-2"]
    for patch in patches.values():
        assert patch["metadata"]["labels"][contract.POOL_LABEL] == "cpu"
        assert patch["metadata"]["labels"]["topology.kubernetes.io/zone"] == "lookout"


def test_a_pool_with_zones_spreads_its_real_nodes_over_them(record: Any) -> None:
    pools = [{"name": "cpu", "machineType": "this-machine", "zones": ["a", "b"]}]
    settings = parse({"nodePools": pools, "local": {"workers": 2}})
    patches = record(lambda: clusters.provision(settings)).of("kubernetes:core/v1:NodePatch")
    zones = [patches[name]["metadata"]["labels"]["topology.kubernetes.io/zone"] for name in sorted(patches)]
    assert zones == ["a", "b", "a"]


def test_the_real_pool_counts_the_workers(record: Any) -> None:
    found: list[dict[str, Any]] = []
    record(lambda: found.extend(clusters.provision(parse({**POOLS, "local": {"workers": 2}})).pools))
    sizes = {pool["name"]: (pool["min"], pool["max"], pool["simulated"]) for pool in found}
    assert sizes == {"cpu": (3, 3, False), "gpu": (2, 4, True)}


def test_argocd_stays_beside_the_doors(recorded: Any) -> None:
    kinds = ("kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet")
    workloads = [inputs for kind in kinds for inputs in recorded.of(kind).values()]
    assert workloads
    for workload in workloads:
        assert workload["spec"]["template"]["spec"]["nodeSelector"]["node-role.kubernetes.io/control-plane"] == ""


def test_simulated_nodes_say_so_in_their_names() -> None:
    pool = NodePool(name="gpu", machine_type="g2")
    assert simulated.node(pool, 0)["metadata"]["name"].startswith("sim-")
