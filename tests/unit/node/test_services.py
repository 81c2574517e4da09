"""The configuration files of the node's programs agree with the contract and with each other."""

import json
from pathlib import Path

import pytest
import yaml

from infra.node import services
from infra.node.spec import NodeSpec
from lookout import contract

SPEC = NodeSpec(name="unit")
DOORS = {name: 10 + number for number, name in enumerate(contract.DOORS)}


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return {path.name: text for path, text in services.files(SPEC, DOORS).items()}


def test_every_door_leads_somewhere_on_its_inherited_socket(files: dict[str, str]) -> None:
    for name, descriptor in DOORS.items():
        section = files["haproxy.cfg"].split(f"listen {name}\n")[1].split("listen ")[0]
        assert f"bind fd@{descriptor}" in section
    for environment in contract.ENVIRONMENTS:
        target = f"{contract.DETECTOR}.{contract.namespace(environment)}.svc.cluster.local:{contract.SERVICE_PORT}"
        assert files["haproxy.cfg"].count(target) == 2, "a second server is tried at once, the same one after a second"
    prometheus = f"{contract.PROMETHEUS}.{contract.MONITORING_NAMESPACE}.svc.cluster.local:{contract.PROMETHEUS_PORT}"
    assert prometheus in files["haproxy.cfg"]


def test_all_doors_but_the_pages_look_at_the_host_header(files: dict[str, str]) -> None:
    for name in DOORS:
        section = files["haproxy.cfg"].split(f"listen {name}\n")[1].split("listen ")[0]
        assert ("http-request deny unless" in section) == (name not in contract.ENVIRONMENTS)


def test_no_program_listens_on_all_addresses(files: dict[str, str]) -> None:
    assert "0.0.0.0:" not in "".join(files.values())
    assert yaml.safe_load(files["registry.yaml"])["http"]["addr"].startswith("127.0.0.1:")
    assert 'server.bind = "127.0.0.1"' in files["lighttpd.conf"]


def test_containerd_finds_the_registry_of_git_on_the_nodes_own_loopback() -> None:
    paths = [path for path in services.files(SPEC, DOORS) if path.name == "hosts.toml"]
    assert paths == [Path(f"/etc/containerd/certs.d/{contract.REGISTRY}/hosts.toml")]


def test_pods_get_addresses_of_the_nodes_range(files: dict[str, str]) -> None:
    network = json.loads(files["10-lookout.conflist"])["plugins"][0]
    assert network["ipam"]["ranges"] == [[{"subnet": "10.232.0.0/24"}]]


def test_the_kubelet_stays_in_the_nodes_control_group_and_rotates_container_logs(files: dict[str, str]) -> None:
    documents = {document["kind"]: document for document in yaml.safe_load_all(files["kubeadm.yaml"])}
    kubelet = documents["KubeletConfiguration"]
    assert kubelet["cgroupRoot"] == "/lookout-unit"
    assert (kubelet["containerLogMaxSize"], kubelet["containerLogMaxFiles"]) == ("10Mi", 3)
    assert kubelet["imageGCHighThresholdPercent"] == 100


def test_kubeadm_gets_the_specs_addresses_and_the_built_versions(files: dict[str, str]) -> None:
    from infra.node import images

    documents = {document["kind"]: document for document in yaml.safe_load_all(files["kubeadm.yaml"])}
    cluster = documents["ClusterConfiguration"]
    assert cluster["kubernetesVersion"] == images.KUBERNETES_VERSION
    assert cluster["networking"] == {"podSubnet": "10.232.0.0/16", "serviceSubnet": "10.233.0.0/16"}
    assert documents["InitConfiguration"]["localAPIEndpoint"]["advertiseAddress"] == str(SPEC.address)


def test_simulated_nodes_take_their_size_from_the_annotations_that_pools_write(files: dict[str, str]) -> None:
    stage = yaml.safe_load(files["kwok.yaml"])
    for key in (contract.CPU_COUNT_ANNOTATION, contract.GPU_COUNT_ANNOTATION, contract.MEMORY_ANNOTATION):
        assert key in stage["spec"]["next"]["statusTemplate"]
    assert contract.GPU_RESOURCE in stage["spec"]["next"]["statusTemplate"]
