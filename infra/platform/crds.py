"""Custom resource definitions, a step of their own: applied server-side by kubectl, and again only when they change.

Their schemas are 25,000 lines. As Pulumi resources each `pulumi up` would parse them, which took it from a few
seconds to twenty; and a definition has to be there before the first resource of its kind (pulumi-kubernetes#1735).
"""

import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

_ESTABLISHED_WITHIN_S: Final = 60
_KIND: Final = "kind: CustomResourceDefinition"


class DefinitionsProvider(ResourceProvider):
    """Applies definitions; deleting them is left to whoever deletes the cluster.

    Deleting a definition deletes every object of its kind, somebody else's too, so, as Helm does, they stay.
    """

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Apply the definitions and wait until the API server serves them."""
        return CreateResult(f"definitions-{props['sha256'][:12]}", _apply(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Apply again when the text changed; a new resource when the cluster is another one."""
        replaces = ["cluster"] if olds["cluster"] != news["cluster"] else []
        return DiffResult(changes=bool(replaces) or olds["sha256"] != news["sha256"], replaces=replaces)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Apply the changed definitions."""
        return UpdateResult(_apply(news))


class Definitions(Resource, name="CustomResourceDefinitions"):
    """The custom resource definitions of one manifest file."""

    def __init__(
        self,
        name: str,
        asset: str,
        kubeconfig: pulumi.Input[str],
        cluster: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`asset` names a file of the pinned tools; `cluster` is the identity of the cluster they go into."""
        from lookout import tools

        digest = hashlib.sha256(definitions(tools.asset(asset)).encode()).hexdigest()
        props = {"asset": asset, "sha256": digest, "kubeconfig": kubeconfig, "cluster": cluster}
        super().__init__(DefinitionsProvider(), name, props, opts)


def split(manifest: Path) -> tuple[str, str]:
    """A manifest's custom resource definitions and everything else, told apart without parsing either."""
    documents = manifest.read_text().split("\n---\n")
    mine = [document for document in documents if _is_definition(document)]
    others = [document for document in documents if not _is_definition(document)]
    return "\n---\n".join(mine), "\n---\n".join(others)


def definitions(manifest: Path) -> str:
    """The custom resource definitions of a manifest file."""
    return split(manifest)[0]


def _is_definition(document: str) -> bool:
    return _KIND in document.splitlines()


def _wait_until_served(command: list[str | Path]) -> None:
    from lookout import process
    from lookout.errors import LookoutError

    deadline = time.monotonic() + _ESTABLISHED_WITHIN_S
    while True:
        try:
            process.run(command, timeout_s=20)
            return
        except LookoutError:
            # kubectl fails at once on a definition so new that it has no conditions yet.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _apply(props: dict[str, Any]) -> dict[str, Any]:
    from lookout import process, tools

    with tempfile.TemporaryDirectory(prefix="lookout-crds-") as directory:
        access, manifest = Path(directory, "kubeconfig"), Path(directory, "crds.yaml")
        with os.fdopen(os.open(access, os.O_WRONLY | os.O_CREAT, 0o600), "w") as sink:
            sink.write(props["kubeconfig"])
        manifest.write_text(definitions(tools.asset(props["asset"])))
        kubectl: list[str | Path] = [tools.tool("kubectl"), "--kubeconfig", access]
        process.run([*kubectl, "apply", "--server-side", "--force-conflicts", "-f", manifest], timeout_s=120)
        _wait_until_served([*kubectl, "wait", "--for=condition=Established", "--timeout=5s", "-f", manifest])
    return {key: props[key] for key in ("asset", "sha256", "kubeconfig", "cluster")}
