"""The embedded node's life as a Pulumi dynamic resource: create, diff, update, delete, read.

The provider is pickled into the stack's state by reference, so it holds nothing, and what it needs is imported where
it is used. Everything real happens in infra.node.lifecycle.
"""

import hashlib
from typing import Any, Final

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from infra.node.spec import NodeSpec

_IDENTITY: Final = ("name", "link_cidr", "pod_cidr", "service_cidr")
"""A change of these makes another cluster; doors move without touching it."""


class LocalNodeProvider(ResourceProvider):
    """Brings one embedded node up, repairs it, moves its doors and takes it down."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Bring the node up; a node half made by an interrupted run is repaired."""
        outputs = _bring_up(props)
        return CreateResult(f"{props['spec']['name']}-{outputs['fingerprint']}", outputs)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Replace for another name or range, or when the cluster's state is gone; update when it does not run."""
        from infra.node import lifecycle

        old, new = olds["spec"], news["spec"]
        spec = NodeSpec.model_validate(old)
        replaces = ["spec"] if any(old[key] != new[key] for key in _IDENTITY) else []
        if not replaces and fingerprint(spec) != olds["fingerprint"]:
            replaces = ["fingerprint"]
        changes = bool(replaces) or old != new or not lifecycle.is_running(spec)
        return DiffResult(changes=changes, replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Start the node where it stands still, and move its doors."""
        outputs = _bring_up(news)
        if outputs["fingerprint"] != olds["fingerprint"]:
            from lookout.errors import LookoutError

            raise LookoutError(
                f"node {news['spec']['name']} came back as a new cluster: what the old one held is gone",
                "run again: the next run makes the cluster's contents anew",
            )
        return UpdateResult(outputs)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Take the node down; its bare git repository stays."""
        from infra.node import lifecycle

        lifecycle.destroy(NodeSpec.model_validate(props["spec"]))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Confirm what the state says; whether the node runs is `diff`'s question."""
        return ReadResult(id_, props)


class LocalNode(Resource, name="LocalNode"):
    """The embedded node; `kubeconfig` is a secret, `id` names this very cluster."""

    kubeconfig: pulumi.Output[str]
    address: pulumi.Output[str]

    def __init__(self, name: str, spec: NodeSpec, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the node that `spec` describes."""
        mine = pulumi.ResourceOptions(
            additional_secret_outputs=["kubeconfig"],
            # The first start imports images and runs kubeadm; each step has its own bound below this one.
            custom_timeouts=pulumi.CustomTimeouts(create="20m", update="20m", delete="5m"),
        )
        props = {"spec": plain(spec), "kubeconfig": None, "address": None, "fingerprint": None}
        super().__init__(LocalNodeProvider(), name, props, pulumi.ResourceOptions.merge(mine, opts))


def plain(spec: NodeSpec) -> dict[str, Any]:
    """The node's description as plain data in snake_case, whatever class it was read into."""
    return NodeSpec.model_validate(spec.model_dump(by_alias=False)).model_dump(mode="json")


def fingerprint(spec: NodeSpec) -> str | None:
    """What tells one cluster from another: a digest of its certificate authority, made anew by every kubeadm init.

    None where the node has never been brought up, or its state is gone. It is there while the node is stopped, too.
    """
    authority = spec.directory / "root" / "etc-kubernetes" / "pki" / "ca.crt"
    return hashlib.sha256(authority.read_bytes()).hexdigest()[:12] if authority.exists() else None


def _bring_up(props: dict[str, Any]) -> dict[str, Any]:
    from infra.node import lifecycle

    spec = NodeSpec.model_validate(props["spec"])
    # Pulumi shows what a provider prints, line by line and at once.
    node = lifecycle.create(spec, progress=lambda text: print(text, flush=True))
    return {
        "spec": props["spec"],
        "kubeconfig": node.kubeconfig,
        "address": str(node.address),
        "fingerprint": fingerprint(spec),
    }
