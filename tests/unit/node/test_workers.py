"""Workers: their names and addresses, what they are started with, and when they come and go."""

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from infra.node import cgroups, init, inside, join, kubeadm, network, sandbox, services, worker_services, workers
from infra.node.spec import Node, NodeSpec
from infra.node.worker_spec import WorkerSpec, named, possible, wanted
from infra.settings import Local
from lookout import contract
from lookout.errors import LookoutError, UsageError

SPEC = NodeSpec(name="unit", workers=2)
FIRST, SECOND = possible(SPEC)


def test_names_and_addresses_follow_from_the_cluster() -> None:
    assert [worker.name for worker in wanted(SPEC)] == ["unit-worker-1", "unit-worker-2"]
    assert [str(worker.cable) for worker in possible(SPEC)] == ["10.231.0.4/30", "10.231.0.8/30"]
    assert (str(FIRST.gateway), str(FIRST.address)) == ("10.231.0.5", "10.231.0.6")
    assert FIRST.directory == SPEC.directory / "workers" / "1"


@pytest.mark.parametrize("link", ["10.231.0.0/30", "10.231.0.4/30", "10.231.0.12/30", "255.255.255.252/30"])
def test_cables_never_meet_the_hosts_cable_nor_each_other(link: str) -> None:
    spec = NodeSpec(link_cidr=IPv4Network(link))
    ranges = [spec.link_cidr, *spec.worker_cables]
    assert len(ranges) == 3
    assert not any(one.overlaps(other) for i, one in enumerate(ranges) for other in ranges[i + 1 :])


def test_interface_names_fit_the_kernels_fifteen_characters() -> None:
    longest = NodeSpec(name="a" * 10, workers=2)
    assert all(len(worker.plug) <= 15 for worker in possible(longest))
    assert len(network.veth(longest)) <= 15


def test_a_worker_shares_no_control_group_or_namespace_with_another_node() -> None:
    nodes: list[Node] = [SPEC, FIRST, SECOND]
    assert len({cgroups.cgroup_root(node) for node in nodes}) == len({network.netns(node) for node in nodes}) == 3


def test_an_unknown_worker_is_refused_with_the_names_there_are() -> None:
    assert named(SPEC, "unit-worker-2") == SECOND
    with pytest.raises(UsageError, match="no worker called unit-worker-9") as caught:
        named(SPEC, "unit-worker-9")
    assert "unit-worker-1, unit-worker-2" in str(caught.value.remedy)
    with pytest.raises(UsageError) as alone:
        named(NodeSpec(), "lookout-worker-1")
    assert "lookout:local.workers" in str(alone.value.remedy)


def test_more_workers_than_there_are_cables_for_are_refused() -> None:
    with pytest.raises(ValidationError, match="workers"):
        NodeSpec(workers=3)


@pytest.mark.parametrize("node", [SPEC, FIRST], ids=["control plane", "worker"])
def test_the_first_process_reads_back_which_node_it_is(node: NodeSpec | WorkerSpec) -> None:
    read = TypeAdapter(NodeSpec | WorkerSpec).validate_json(node.model_dump_json())
    assert read == node
    assert type(read) is type(node)


def test_a_worker_of_settings_is_written_down_in_the_nodes_own_spelling() -> None:
    worker = WorkerSpec(cluster=Local(workers=1), number=1)
    assert WorkerSpec.model_validate_json(worker.model_dump_json()).cluster.workers == 1


def test_a_worker_runs_a_container_runtime_and_a_kubelet_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "tool", lambda name: Path("/tools") / name)
    assert [service.name for service in worker_services.programs()] == ["containerd", "kubelet"]


def test_a_worker_pulls_from_the_control_plane_node_which_lets_only_workers_read() -> None:
    files = worker_services.files(FIRST)
    hosts = files[Path(f"/etc/containerd/certs.d/{contract.REGISTRY}/hosts.toml")]
    assert f'"http://{SPEC.address}:{inside.REGISTRY_PORT}"' in hosts
    haproxy = services.files(SPEC, {})[Path("/etc/lookout/haproxy.cfg")]
    section = haproxy.split("listen registry-for-workers\n")[1].split("listen ")[0]
    assert f"bind {SPEC.address}:{inside.REGISTRY_PORT}" in section
    assert f"deny unless {{ method GET HEAD }} {{ src {FIRST.address} {SECOND.address} }}" in section


def test_a_workers_kubelet_stays_in_its_own_control_group() -> None:
    patch = worker_services.files(FIRST)[worker_services.PATCHES / "kubeletconfiguration+merge.yaml"]
    assert yaml.safe_load(patch) == {"cgroupRoot": "/lookout-unit-worker-1"}


def test_kubeadm_join_knows_the_cluster_by_its_hash_and_the_worker_by_its_address() -> None:
    document = yaml.safe_load(worker_services.join_configuration(FIRST, "abc.def", "sha256:12"))
    discovery = document["discovery"]["bootstrapToken"]
    assert discovery == {"apiServerEndpoint": "10.231.0.2:6443", "token": "abc.def", "caCertHashes": ["sha256:12"]}
    registration = document["nodeRegistration"]
    assert registration["name"] == "unit-worker-1"
    assert registration["taints"] == []
    assert registration["kubeletExtraArgs"] == [{"name": "node-ip", "value": "10.231.0.6"}]
    assert document["patches"]["directory"] == str(worker_services.PATCHES)


def test_pods_of_a_worker_get_the_range_that_the_cluster_gave_to_it() -> None:
    path, text = worker_services.pod_network(FIRST, IPv4Network("10.232.7.0/24"))
    assert path == FIRST.directory / "root" / "etc-cni" / "net.d" / "10-lookout.conflist"
    assert "/etc/cni" in init.PERSISTENT
    assert json.loads(text)["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.232.7.0/24"}]]


def test_token_and_hash_are_read_from_kubeadms_join_command() -> None:
    printed = "kubeadm join 10.231.0.2:6443 --token abc.def --discovery-token-ca-cert-hash sha256:12 \n"
    assert join.command_line(printed) == ("abc.def", "sha256:12")
    with pytest.raises(LookoutError, match="printed no join command"):
        join.command_line("kubeadm join 10.231.0.2:6443 --token")


class Machine:
    """Stands in for everything that touches the machine or the cluster, and takes notes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.did: list[str] = []
        self.running: set[str] = set()
        self.fails_to_join = False
        monkeypatch.setattr(sandbox, "start", lambda node, doors: self.note("start", node, doors))
        monkeypatch.setattr(sandbox, "kill", lambda node: self.note("kill", node))
        monkeypatch.setattr(sandbox, "first_process", lambda node: 1 if node.name in self.running else None)
        monkeypatch.setattr(sandbox, "wait_for_containerd", lambda _: None)
        for module, name in ((cgroups, "create"), (cgroups, "remove")):
            monkeypatch.setattr(module, name, lambda _: None)
        for name in ("connect_worker", "disconnect_worker", "cut"):
            monkeypatch.setattr(network, name, lambda node, name=name: self.note(name, node))
        monkeypatch.setattr(kubeadm, "import_images", lambda *_: None)
        monkeypatch.setattr(kubeadm, "api_answers", lambda _: True)
        monkeypatch.setattr(kubeadm, "kubectl", self.kubectl)
        monkeypatch.setattr(join, "ensure", self.join)

    def note(self, what: str, node: WorkerSpec, doors: object = None) -> None:
        """Remember what was done to which worker; start and kill have an effect."""
        assert not doors
        self.did.append(f"{what} {node.number}")
        if what == "start":
            self.running.add(node.name)
        if what == "kill":
            self.running.discard(node.name)

    def kubectl(self, _spec: NodeSpec, *words: str, within_s: float = 0) -> str:
        """Remember drains and deletions."""
        del within_s
        self.did.append(" ".join(words[:3]))
        return ""

    def join(self, worker: WorkerSpec, _say: object) -> None:
        """Join, or fail to."""
        if self.fails_to_join:
            raise LookoutError("no token")
        (worker.directory / "root").mkdir(parents=True, exist_ok=True)
        (worker.directory / "root" / "kubeadm.done").touch()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """No worker is there yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Machine(monkeypatch)


def settle(count: int) -> None:
    """Ask for this many workers."""
    workers.settle(NodeSpec(name="unit", workers=count), Path("archive"), lambda _: None)


def test_workers_are_added_and_what_is_there_is_left_alone(machine: Machine) -> None:
    settle(1)
    assert workers.is_settled(NodeSpec(name="unit", workers=1))
    assert not workers.is_settled(SPEC)
    machine.did.clear()
    settle(2)
    assert machine.did == ["kill 2", "disconnect_worker 2", "connect_worker 2", "start 2"]
    assert workers.is_settled(SPEC)


def test_a_worker_too_many_is_drained_before_it_goes_and_leaves_no_file(machine: Machine) -> None:
    settle(2)
    machine.did.clear()
    settle(1)
    assert machine.did[:2] == ["drain unit-worker-2 --ignore-daemonsets", "kill 2"]
    assert machine.did.index("kill 2") < machine.did.index("delete node unit-worker-2")
    assert not SECOND.directory.exists()
    settle(0)
    assert not FIRST.directory.parent.exists()
    assert workers.is_settled(NodeSpec(name="unit"))


def test_a_worker_that_stands_still_is_removed_without_a_drain(machine: Machine) -> None:
    settle(1)
    workers.fail(FIRST)
    machine.did.clear()
    settle(0)
    assert not any(step.startswith("drain") for step in machine.did)
    assert "delete node unit-worker-1" in machine.did


def test_a_failing_worker_falls_silent_before_its_processes_end(machine: Machine) -> None:
    settle(1)
    machine.did.clear()
    workers.fail(FIRST)
    assert machine.did == ["cut 1", "kill 1"]
    assert not workers.is_settled(NodeSpec(name="unit", workers=1))


def test_a_worker_that_cannot_join_is_removed_again(machine: Machine) -> None:
    machine.fails_to_join = True
    with pytest.raises(LookoutError, match="no token"):
        settle(1)
    assert not machine.running
    assert not FIRST.directory.exists()
    assert "delete node unit-worker-1" in machine.did


def test_a_joined_worker_that_does_not_come_back_keeps_its_state(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(1)
    workers.fail(FIRST)

    def never(*_: object) -> None:
        raise LookoutError("not ready")

    monkeypatch.setattr(join, "ensure", never)
    with pytest.raises(LookoutError, match="not ready"):
        settle(1)
    assert not machine.running
    assert join.is_done(FIRST)


def test_what_an_interrupted_join_left_is_started_over(machine: Machine) -> None:
    (FIRST.directory / "root").mkdir(parents=True)
    (FIRST.directory / "root" / "half").touch()
    settle(1)
    assert machine.running == {"unit-worker-1"}
    assert not (FIRST.directory / "root" / "half").exists()
    assert machine.did.index("kill 1") < machine.did.index("delete node unit-worker-1") < machine.did.index("start 1")


def test_the_join_token_is_deleted_even_where_the_join_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[tuple[str, ...]] = []

    def kubectl(_spec: NodeSpec, *words: str) -> str:
        did.append(words)
        return "signature"

    monkeypatch.setattr(join, "run", lambda *_, **__: "--token abc.def --discovery-token-ca-cert-hash sha256:12")
    monkeypatch.setattr(join, "tool", Path)
    monkeypatch.setattr(kubeadm, "kubectl", kubectl)
    monkeypatch.setattr(kubeadm, "wait", lambda _node, _what, condition: condition())

    def cut_short() -> None:
        with join.token(SPEC) as given:
            assert given == ("abc.def", "sha256:12")
            raise LookoutError("cable cut")

    with pytest.raises(LookoutError, match="cable cut"):
        cut_short()
    assert did[-1] == ("--namespace=kube-system", "delete", "secret", "bootstrap-token-abc", "--ignore-not-found")
