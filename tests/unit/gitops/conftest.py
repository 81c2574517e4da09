"""Real git repositories in a temporary directory: this project, its bare configuration repository and a clone of it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from gitops import seed
from gitops.repository import Repository
from gitops.source import CONFIG
from lookout import contract, paths
from lookout.artifact import Artifact


class Road(NamedTuple):
    """Where a release travels: from the project's configuration through the clone to the remote."""

    project: Path
    remote: Path
    deploy: Repository


@pytest.fixture(autouse=True)
def _git_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration, identity or state of the user's takes part."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("KUBECONFIG", "GIT_CONFIG_GLOBAL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    for role in ("AUTHOR", "COMMITTER"):
        for part in ("NAME", "EMAIL"):
            monkeypatch.delenv(f"GIT_{role}_{part}", raising=False)


@pytest.fixture(scope="session")
def _pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, its seeded remote and a clone, made once: copying them is ten times faster than git."""
    directory = tmp_path_factory.mktemp("pattern")
    project = directory / "project"
    shutil.copytree(paths.PROJECT_ROOT / CONFIG, project / CONFIG)
    (project / "README.md").write_text("the project\n")
    run(project, "init", "--quiet", "--initial-branch=main")
    commit_all(project, "first")
    seed.seed(directory / contract.GIT_REPOSITORY, project)
    seed.clone(str(directory / contract.GIT_REPOSITORY), directory / "deploy")
    return directory


@pytest.fixture
def project(_pattern: Path, tmp_path: Path) -> Path:
    """A git clone that holds this project's gitops/config/ and one file more."""
    return Path(shutil.copytree(_pattern / "project", tmp_path / "project"))


@pytest.fixture
def road(_pattern: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Road:
    """A seeded remote and deploy/, the clone of it that the commands take."""
    remote = Path(shutil.copytree(_pattern / contract.GIT_REPOSITORY, tmp_path / contract.GIT_REPOSITORY))
    shutil.copytree(_pattern / "deploy", tmp_path / "deploy")
    run(tmp_path / "deploy", "remote", "set-url", "origin", str(remote))
    monkeypatch.setenv("LOOKOUT_DEPLOY_DIR", str(tmp_path / "deploy"))
    return Road(project, remote, Repository.open())


@pytest.fixture
def image() -> Callable[[str], Artifact]:
    """An artifact by one letter; each has a digest of its own."""

    def make(letter: str) -> Artifact:
        return Artifact(
            bento=f"detector:{letter}",
            model=f"ssd-{letter}:1",
            image=f"{contract.IMAGE_REPOSITORY}@sha256:{letter.encode().hex() * 32}",
        )

    return make


@pytest.fixture
def someone_else(road: Road, tmp_path: Path) -> Path:
    """Another clone of the same remote."""
    directory = tmp_path / "someone-else"
    run(tmp_path, "clone", "--quiet", str(road.remote), str(directory))
    return directory


def run(directory: Path, *arguments: str) -> str:
    """Run git with an identity."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(["git", "-C", str(directory), *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit_all(directory: Path, message: str) -> str:
    """Commit everything in the working tree."""
    run(directory, "add", "--all")
    run(directory, "commit", "--quiet", "-m", message)
    return run(directory, "rev-parse", "HEAD")
