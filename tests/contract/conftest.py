"""The configuration as it is in this tree, with a version in every environment, rendered by kustomize."""

import shutil
from pathlib import Path

import pytest

from gitops import render, version_file
from gitops.render import Manifest
from lookout import contract, paths
from lookout.artifact import Artifact

ARTIFACT = Artifact(bento="detector:abc", model="ssd:1", image=f"{contract.IMAGE_REPOSITORY}@sha256:{'ab' * 32}")


@pytest.fixture(scope="session")
def config_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of gitops/config/ in which every environment has a version."""
    directory = tmp_path_factory.mktemp("config") / "config"
    shutil.copytree(paths.PROJECT_ROOT / "gitops/config", directory)
    for environment in contract.ENVIRONMENTS:
        (directory / version_file.path(environment)).write_text(version_file.render(ARTIFACT))
    return directory


@pytest.fixture(scope="session")
def rendered(config_dir: Path) -> dict[str, list[Manifest]]:
    """Every environment's objects."""
    return {environment: render.render(environment, config_dir) for environment in contract.ENVIRONMENTS}


def one(objects: list[Manifest], kind: str, name: str = contract.DETECTOR) -> Manifest:
    """The one object of a kind and name."""
    found = [item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{len(found)} objects {kind}/{name}"
    return found[0]
