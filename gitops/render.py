"""An environment's manifests as Argo CD would render them, without a cluster."""

import tempfile
from pathlib import Path
from typing import Any

import yaml

from gitops.promote import check_environment
from lookout import contract, paths, process, tools

Manifest = dict[str, Any]


def render(environment: str, config_dir: Path | None = None, *, registry: str | None = None) -> list[Manifest]:
    """Every object of an environment, as kustomize builds it from `config_dir` (default: deploy/).

    The environment must have a version. With `registry` (host:port), images come from there, as the ApplicationSet
    tells Argo CD to have it. LookoutError with what kustomize said when it does not render.
    """
    directory = (config_dir or paths.deploy_dir()) / contract.CONFIG_ENVS / check_environment(environment)
    built = build(directory) if registry is None else _with_registry(directory, registry)
    return [document for document in yaml.safe_load_all(built) if document]


def build(directory: Path) -> str:
    """`kustomize build` of a directory, as YAML documents in one text."""
    return process.run([tools.tool("kustomize"), "build", directory])


def _with_registry(directory: Path, registry: str) -> str:
    """Build through an overlay beside the environment: nothing is edited in place."""
    image = {"name": contract.IMAGE_REPOSITORY, "newName": f"{registry}/{contract.DETECTOR}"}
    with tempfile.TemporaryDirectory(prefix=".render-", dir=directory.parent) as temporary:
        overlay = Path(temporary)
        kustomization = {"resources": [f"../{directory.name}"], "images": [image]}
        (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return build(overlay)
