"""The API's bearer tokens: from the stack's encrypted settings into a Secret beside each environment's detector.

Git never sees them. Argo CD learns from the cluster Secret that there are some, and then has every detector mount its
Secret and refuse to start without (gitops/config/detector/components/tokens): a Secret that is lost later closes the
API, it does not open it.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import pulumi
from pydantic import SecretStr

from infra.clusters.cluster import Cluster
from infra.manifest import Manifest
from infra.settings import Settings
from lookout import contract

_ROUNDS: Final = 600_000
"""OWASP's number for PBKDF2 with SHA-256: everybody may see the fingerprint, and a person may have made a token up."""


def provide(settings: Settings, cluster: Cluster) -> tuple[pulumi.Resource, ...]:
    """The Secrets, where the settings have tokens."""
    if settings.api_tokens is None:
        return ()
    made = []
    for environment in contract.ENVIRONMENTS:
        # The environment's Application would make its namespace too, but later. Taking it away is never Pulumi's: all
        # that runs in it would go.
        keep = pulumi.ResourceOptions(retain_on_delete=True)
        namespace = Manifest(namespace_of(environment), pulumi.ResourceOptions.merge(cluster.inside(), keep))
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData"])
        options = pulumi.ResourceOptions.merge(cluster.inside(namespace), hidden)
        made.append(Manifest(secret(environment, settings.api_tokens), options))
    return tuple(made)


def fingerprint(tokens: Sequence[SecretStr]) -> str:
    """Twelve digits that change with the tokens, so that pods are replaced then; they tell nothing of them."""
    text = "\n".join(token.get_secret_value() for token in tokens)
    salt = contract.API_TOKENS_ANNOTATION.encode()
    return hashlib.pbkdf2_hmac("sha256", text.encode(), salt, _ROUNDS).hex()[:12]


def namespace_of(environment: str) -> dict[str, Any]:
    """The namespace as the environment's Application has it (gitops/config/applicationsets/detector.yaml)."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": contract.namespace(environment),
            "labels": {
                contract.ENVIRONMENT_LABEL: environment,
                "pod-security.kubernetes.io/enforce": "restricted",
            },
        },
    }


def secret(environment: str, tokens: Sequence[SecretStr]) -> dict[str, Any]:
    """One environment's Secret: a file with a token a line."""
    lines = "".join(f"{token.get_secret_value()}\n" for token in tokens)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": contract.API_TOKENS_SECRET, "namespace": contract.namespace(environment)},
        "type": "Opaque",
        "stringData": {contract.API_TOKENS_KEY: pulumi.Output.secret(lines)},
    }
