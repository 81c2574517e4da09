"""What Pulumi decides about the embedded node, with the node's life cycle replaced by a notebook."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import dill  # type: ignore[import-untyped]  # it has no types
import pytest
from pulumi.dynamic.dynamic import serialize_provider

from infra.clusters.local_node import LocalNodeProvider, LocalNodeRunningProvider, plain
from infra.node import kubeadm_init
from infra.node.spec import NodeSpec
from infra.settings import Local
from lookout.errors import LookoutError


class Node:
    """Stands in for infra.node.lifecycle."""

    def __init__(self) -> None:
        self.running: NodeSpec | None = None
        self.did: list[str] = []
        self.taken = False
        self.kubeconfig = "access 1"
        self.address = "10.231.0.2"

    def create(self, spec: NodeSpec, progress: Callable[[str], None] | None = None) -> "Node":
        """Bring the node up, with a certificate authority unless there is one."""
        assert progress is not None
        self.did.append(f"create {spec.name}")
        self.running = spec
        authority = spec.directory / "root" / "etc-kubernetes" / "pki" / "ca.crt"
        if not authority.exists():
            authority.parent.mkdir(parents=True)
            authority.write_text(f"authority {len(self.did)}")
        spec.kubeconfig.write_text(self.kubeconfig)
        return self

    def refuse_conflicts(self, spec: NodeSpec) -> None:
        """Refuse what the test says others have."""
        if self.taken:
            raise LookoutError(f"{spec.pod_cidr} is taken")

    def destroy(self, spec: NodeSpec, progress: Callable[[str], None] | None = None) -> None:
        """Note it."""
        assert progress is not None
        self.did.append(f"destroy {spec.name}")

    def stop(self) -> None:
        """End it as infra.node does: its state stays, its kubeconfig goes."""
        self.running = None
        NodeSpec().kubeconfig.unlink()

    def is_running(self, spec: NodeSpec) -> bool:
        """Whether a node of that name runs."""
        return self.running is not None and self.running.name == spec.name

    def runs_as(self, spec: NodeSpec) -> bool:
        """Whether it runs with just these settings."""
        return self.running == spec


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A node that is not there yet, in a state directory of its own."""
    import infra.node

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    double, module = Node(), ModuleType("infra.node.lifecycle")
    for name in ("create", "destroy", "is_running", "refuse_conflicts", "runs_as"):
        setattr(module, name, getattr(double, name))
    monkeypatch.setitem(sys.modules, "infra.node.lifecycle", module)
    monkeypatch.setattr(infra.node, "lifecycle", module, raising=False)
    return double


def _props(**changes: Any) -> dict[str, Any]:
    return {"spec": plain(NodeSpec.model_validate(changes)), "node": "0123"}


def _made() -> tuple[LocalNodeProvider, dict[str, Any]]:
    provider = LocalNodeProvider()
    outputs = provider.create(_props()).outs
    assert outputs is not None
    return provider, outputs


@pytest.mark.usefixtures("node")
def test_nothing_changes_while_the_node_is_as_it_was() -> None:
    provider, outputs = _made()
    assert provider.diff("id", outputs, _props()).changes is False


def test_a_stopped_node_leaves_the_cluster_as_it_is_and_is_started(node: Node) -> None:
    provider, outputs = _made()
    node.stop()
    running = LocalNodeRunningProvider()
    assert provider.diff("id", outputs, _props()).changes is False
    assert running.diff("id", _props(), _props()).changes is True
    running.update("id", _props(), _props())
    assert node.running == NodeSpec()
    assert running.diff("id", _props(), _props()).changes is False


def test_a_moved_door_restarts_the_node_and_keeps_the_cluster(node: Node) -> None:
    provider, outputs = _made()
    moved = _props(doors={"prod": 9080})
    assert provider.diff("id", outputs, moved).changes is False
    assert LocalNodeRunningProvider().diff("id", _props(), moved).changes is True
    LocalNodeRunningProvider().update("id", _props(), moved)
    assert node.did == ["create lookout", "create lookout"]


@pytest.mark.parametrize(("before", "after"), [(0, 2), (2, 0)])
@pytest.mark.usefixtures("node")
def test_workers_come_and_go_in_the_same_cluster(before: int, after: int) -> None:
    outputs = LocalNodeProvider().create(_props(workers=before)).outs
    assert outputs is not None
    changed = _props(workers=after)
    assert LocalNodeProvider().diff("id", outputs, changed).changes is False
    running = LocalNodeRunningProvider()
    assert running.diff("id", _props(workers=before), changed).changes is True
    running.update("id", _props(workers=before), changed)
    assert running.diff("id", changed, changed).changes is False


@pytest.mark.parametrize(
    "change",
    [{"name": "second"}, {"pod_cidr": "10.99.0.0/16"}, {"link_cidr": "10.98.0.0/30"}],
    ids=lambda c: next(iter(c)),
)
def test_another_name_or_range_takes_the_old_node_down_first(node: Node, change: dict[str, Any]) -> None:
    provider, outputs = _made()
    assert provider.diff("id", outputs, _props(**change)).changes is True
    provider.update("id", outputs, _props(**change))
    assert node.did == ["create lookout", "destroy lookout", f"create {change.get('name', 'lookout')}"]


@pytest.mark.parametrize("told", ["", "of another release"])
def test_a_cluster_that_kubeadm_was_told_to_make_otherwise_is_replaced(node: Node, told: str) -> None:
    """kubeadm's flags are given once; an upgraded project would go on with the old ones."""
    provider, outputs = _made()
    written = NodeSpec().directory / "root" / "kubeadm.done"
    written.write_text(kubeadm_init.digest(NodeSpec()))
    assert provider.diff("id", outputs, _props()).changes is False
    written.write_text(told)
    assert provider.diff("id", outputs, _props()).changes is True
    provider.update("id", outputs, _props())
    assert node.did == ["create lookout", "destroy lookout", "create lookout"]


def test_a_range_that_others_have_is_refused_before_the_old_node_is_touched(node: Node) -> None:
    provider, outputs = _made()
    node.taken = True
    with pytest.raises(LookoutError, match="is taken"):
        provider.update("id", outputs, _props(pod_cidr="10.99.0.0/16"))
    assert node.did == ["create lookout"]


@pytest.mark.usefixtures("node")
def test_lost_state_makes_another_cluster_of_it() -> None:
    provider, outputs = _made()
    (NodeSpec().directory / "root" / "etc-kubernetes" / "pki" / "ca.crt").write_text("another authority")
    assert provider.diff("id", outputs, _props()).changes is True
    anew = provider.update("id", outputs, _props()).outs
    assert anew is not None
    assert anew["fingerprint"] != outputs["fingerprint"]


def test_a_renewed_kubeconfig_is_taken_over(node: Node) -> None:
    provider, outputs = _made()
    node.kubeconfig = "access 2"
    NodeSpec().kubeconfig.write_text("access 2")
    assert provider.diff("id", outputs, _props()).changes is True
    renewed = provider.update("id", outputs, _props()).outs
    assert renewed is not None
    assert (renewed["kubeconfig"], renewed["fingerprint"]) == ("access 2", outputs["fingerprint"])


def test_a_node_just_made_is_not_brought_up_twice(node: Node) -> None:
    _made()
    LocalNodeRunningProvider().create(_props())
    assert node.did == ["create lookout"]


def test_delete_takes_down_what_the_state_describes(node: Node) -> None:
    provider, _ = _made()
    provider.delete("id", _props(name="second"))
    assert node.did[-1] == "destroy second"


@pytest.mark.parametrize("provider", [LocalNodeProvider, LocalNodeRunningProvider])
def test_the_pickled_provider_is_a_reference_and_always_the_same(provider: type[Any]) -> None:
    assert serialize_provider(provider()) == serialize_provider(provider())
    assert len(dill.dumps(provider(), recurse=True)) < 200


def test_the_settings_spelling_ends_where_the_node_begins() -> None:
    local = Local.model_validate({"podCidr": "10.99.0.0/16"})
    assert plain(local)["pod_cidr"] == "10.99.0.0/16"
    assert NodeSpec.model_validate(plain(local)) == NodeSpec.model_validate({"pod_cidr": "10.99.0.0/16"})
