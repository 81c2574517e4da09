"""One Kubernetes manifest as one Pulumi resource, whatever its kind."""

from collections.abc import Mapping
from typing import Any, Final

import pulumi

_FIELD_MANAGER: Final = "pulumi.com/patchFieldManager"
"""By default each object gets a random one, and what an interrupted run made would conflict with the next run's."""
_FORCE: Final = "pulumi.com/patchForce"


class Manifest(pulumi.CustomResource):
    """A Kubernetes object of any kind, custom resources included, registered with the Kubernetes provider.

    The typed classes of the SDK register the very same type, `kubernetes:<apiVersion>:<kind>`; this one takes plain
    manifests, so what a cluster gets is data that tests can read.
    """

    def __init__(self, document: Mapping[str, Any], opts: pulumi.ResourceOptions, *, kind: str | None = None) -> None:
        """`kind` overrides the resource's type, as `NodePatch` does for changing a Node that others made."""
        version = document["apiVersion"] if "/" in document["apiVersion"] else f"core/{document['apiVersion']}"
        metadata = document["metadata"]
        annotations = {**metadata.get("annotations", {}), _FIELD_MANAGER: "lookout-pulumi"}
        if opts.deleted_with is not None:
            # The cluster is ours: what somebody changed by hand is taken back instead of being a conflict.
            annotations[_FORCE] = "true"
        props = {**document, "metadata": {**metadata, "annotations": annotations}}
        super().__init__(f"kubernetes:{version}:{kind or document['kind']}", logical_name(document), props, opts)


def logical_name(document: Mapping[str, Any]) -> str:
    """A name that is unique in the stack and readable on screen, for example `argocd/Deployment/argocd-redis`."""
    metadata = document["metadata"]
    parts = (metadata.get("namespace"), document["kind"], metadata["name"])
    return "/".join(part for part in parts if part)
