"""The local cluster's life as Pulumi dynamic resources: `LocalNode` is the cluster, `LocalNodeRunning` that it runs.

Workers belong to the second: they come and go without making another cluster of it.

They are two so that a node that stands still changes nothing but itself: its kubeconfig, and with it everything in
the cluster, stays known to a preview. The providers are pickled into the stack's state by reference, so they hold
nothing, and what they need is imported where it is used. Everything real happens in infra.node.lifecycle.
"""

import hashlib
from typing import Any, Final

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from infra.node.spec import NodeSpec

_IDENTITY: Final = ("name", "link_cidr", "pod_cidr", "service_cidr")
"""A change of these makes another cluster; doors move without touching it."""

# The first start imports images and runs kubeadm; each step has a bound of its own below these.
_TIMEOUTS: Final = pulumi.CustomTimeouts(create="20m", update="20m", delete="5m")


class LocalNodeProvider(ResourceProvider):
    """Makes one embedded node, makes another in its place, and takes it down."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Bring the node up; a node half made by an interrupted run is repaired."""
        return CreateResult(props["spec"]["name"], _bring_up(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another node for another name or range, for other settings of kubeadm, or when the cluster's state is gone.

        Doors are not its concern.

        Never a replacement in Pulumi's sense, which would first delete each object of the old cluster: the new
        fingerprint makes the Kubernetes provider, and so everything in the cluster, anew.
        """
        spec = NodeSpec.model_validate(olds["spec"])
        renewed = spec.kubeconfig.exists() and spec.kubeconfig.read_text() != olds["kubeconfig"]
        return DiffResult(changes=_is_another(olds, news) or fingerprint(spec) != olds["fingerprint"] or renewed)

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Put the new node in the place of the old one, or repair it. What runs comes back: git and registry stay.

        LookoutError, with the old node untouched, when others have a port or a range that the new one wants.
        """
        from infra.node import lifecycle

        if _is_another(olds, news):
            old, new = NodeSpec.model_validate(olds["spec"]), NodeSpec.model_validate(news["spec"])
            _show("other ranges, or other settings of Kubernetes: another cluster takes the place of the old one")
            if old.name == new.name:  # under another name the old node itself would count among the others
                lifecycle.refuse_conflicts(new)
            lifecycle.destroy(old, progress=_show)
        return UpdateResult(_bring_up(news))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Take the node down; its bare git repository stays."""
        from infra.node import lifecycle

        lifecycle.destroy(NodeSpec.model_validate(props["spec"]), progress=_show)


class LocalNodeRunningProvider(ResourceProvider):
    """Keeps an existing cluster running, with its doors and its workers as the settings want them."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Start the node unless it runs already, as it does right after it was made."""
        if not _runs_as(props["spec"]):
            _bring_up(props)
        return CreateResult(f"{props['spec']['name']}-running", {"spec": props["spec"], "node": props["node"]})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Update when a node stands still, doors moved or the number of workers changed."""
        changed = any(olds[key] != news[key] for key in ("spec", "node"))
        return DiffResult(changes=changed or not _runs_as(news["spec"]))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Start what stands still, move doors, add or remove workers; lifecycle.create refuses taken ports before."""
        if not _runs_as(news["spec"]):
            _bring_up(news)
        return UpdateResult({"spec": news["spec"], "node": news["node"]})


class LocalNode(Resource, name="LocalNode"):
    """The embedded node; `kubeconfig` is a secret, `identity` names this very cluster."""

    kubeconfig: pulumi.Output[str]
    fingerprint: pulumi.Output[str]
    address: pulumi.Output[str]

    def __init__(self, name: str, spec: NodeSpec) -> None:
        """Register the node that `spec` describes."""
        props = {"spec": plain(spec), "kubeconfig": None, "address": None, "fingerprint": None}
        options = pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"], custom_timeouts=_TIMEOUTS)
        super().__init__(LocalNodeProvider(), name, props, options)
        self.identity = self.fingerprint.apply(lambda fingerprint: f"{spec.name}-{fingerprint}")
        """Names this very cluster: another one, whatever the reason, has another."""


class LocalNodeRunning(Resource, name="LocalNodeRunning"):
    """That the node runs; what is in the cluster depends on it."""

    def __init__(self, name: str, spec: NodeSpec, node: LocalNode) -> None:
        """Register that `node`, described by `spec`, is to run."""
        options = pulumi.ResourceOptions(deleted_with=node, custom_timeouts=_TIMEOUTS)
        super().__init__(LocalNodeRunningProvider(), name, {"spec": plain(spec), "node": node.identity}, options)


def plain(spec: NodeSpec) -> dict[str, Any]:
    """The node's description as plain data in snake_case, whatever class it was read into."""
    return NodeSpec.model_validate(spec.model_dump(by_alias=False)).model_dump(mode="json")


def fingerprint(spec: NodeSpec) -> str | None:
    """What tells one cluster from another: a digest of its certificate authority, made anew by every kubeadm init.

    None where the node has never been brought up, or its state is gone. It is there while the node is stopped, too.
    """
    authority = spec.directory / "root" / "etc-kubernetes" / "pki" / "ca.crt"
    return hashlib.sha256(authority.read_bytes()).hexdigest()[:12] if authority.exists() else None


def _is_another(olds: dict[str, Any], news: dict[str, Any]) -> bool:
    from infra.node import kubeadm

    moved = any(olds["spec"][key] != news["spec"][key] for key in _IDENTITY)
    return moved or kubeadm.was_told_otherwise(NodeSpec.model_validate(olds["spec"]))


def _runs_as(wanted: dict[str, Any]) -> bool:
    from infra.node import lifecycle

    spec = NodeSpec.model_validate(wanted)
    return lifecycle.runs_as(spec)


def _bring_up(props: dict[str, Any]) -> dict[str, Any]:
    from infra.node import lifecycle

    spec = NodeSpec.model_validate(props["spec"])
    node = lifecycle.create(spec, progress=_show)
    return {
        "spec": props["spec"],
        "kubeconfig": node.kubeconfig,
        "address": str(node.address),
        "fingerprint": fingerprint(spec),
    }


def _show(text: str) -> None:
    """Pulumi shows what a provider prints, line by line and at once."""
    print(text, flush=True)
