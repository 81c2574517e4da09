"""This project's own `gitops/config/`, as a git tree inside another repository."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from gitops.git import attempt, git
from lookout import contract, paths
from lookout.errors import LookoutError

CONFIG: Final = "gitops/config"
TRAILER: Final = "Lookout-Config"
"""Trailer of a seed's or an update's commit: the tree of this project's configuration it was made from."""


class Source(NamedTuple):
    """The configuration as committed in this project; the working files where the project is not a git clone."""

    tree: str
    """Hash of the tree, present in the repository it was written to."""
    commit: str | None
    """This project's commit; None for an unpacked archive."""
    date: str | None
    """Committer date of that commit, in git's raw format."""


def write_tree(repository: Path, project: Path = paths.PROJECT_ROOT) -> Source:
    """Write this project's configuration at HEAD into `repository`'s object store.

    LookoutError when the project has no configuration at HEAD, or when it holds a version file: versions belong to
    the configuration repository alone.
    """
    cloned = attempt(project, "rev-parse", "--show-toplevel")
    is_clone = cloned.code == 0 and Path(cloned.stdout.strip()).resolve() == project.resolve()
    with tempfile.TemporaryDirectory(prefix="lookout-config-") as temporary:
        files = Path(temporary) / "config"
        if is_clone:
            _extract(project, f"HEAD:{CONFIG}", files)
            commit: str | None = git(project, "rev-parse", "HEAD")
            date: str | None = git(project, "log", "-1", "--format=%cd", "--date=raw")
        else:
            shutil.copytree(project / CONFIG, files, symlinks=True)
            commit = date = None
        _refuse_versions(files)
        return Source(_add(repository, files, Path(temporary) / "index"), commit, date)


def restore_tree(repository: Path, tree: str, project: Path = paths.PROJECT_ROOT) -> bool:
    """Make an earlier configuration's tree present in `repository`, from this project's history if need be."""
    if attempt(repository, "cat-file", "-e", f"{tree}^{{tree}}").code == 0:
        return True
    if attempt(project, "cat-file", "-e", f"{tree}^{{tree}}").code != 0:
        return False
    with tempfile.TemporaryDirectory(prefix="lookout-config-") as temporary:
        files = Path(temporary) / "config"
        _extract(project, tree, files)
        return _add(repository, files, Path(temporary) / "index") == tree


def _extract(project: Path, tree: str, into: Path) -> None:
    into.mkdir()
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    archive = subprocess.run(
        ["git", "-C", str(project), "-c", "core.autocrlf=false", "archive", "--format=tar", tree],
        check=False,
        capture_output=True,
        env=clean,
    )
    if archive.returncode != 0:
        said = archive.stderr.decode(errors="replace").strip()
        raise LookoutError(f"cannot read {CONFIG} of {project}: {said}", f"commit {CONFIG} in {project} first")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(into, filter="data")


def _add(repository: Path, files: Path, index: Path) -> str:
    """Add every file to a throw-away index and write its tree; ignore rules and line-ending settings do not apply."""
    git_dir = git(repository, "rev-parse", "--absolute-git-dir")
    env = {"GIT_DIR": git_dir, "GIT_WORK_TREE": str(files), "GIT_INDEX_FILE": str(index)}
    git(files, "-c", "core.bare=false", "-c", "core.autocrlf=false", "add", "--all", "--force", ".", env=env)
    return git(files, "-c", "core.bare=false", "write-tree", env=env)


def _refuse_versions(files: Path) -> None:
    for found in sorted((files / contract.CONFIG_ENVS).glob(f"*/{contract.VERSION_FILE}")):
        raise LookoutError(
            f"{CONFIG}/{found.relative_to(files)} is in this project: versions belong to the configuration repository",
            f"remove it from {CONFIG} and commit",
        )
