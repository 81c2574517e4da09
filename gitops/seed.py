"""The beginning of a configuration repository, and the clone in which a push promotes."""

import tempfile
from pathlib import Path

from gitops import source
from gitops.git import FALLBACK_EMAIL, FALLBACK_NAME, attempt, git
from lookout import contract, paths
from lookout.errors import LookoutError

_BRANCH = f"refs/heads/{contract.GIT_BRANCH}"


def seed(repository: Path, project: Path = paths.PROJECT_ROOT) -> str:
    """Put this project's configuration into an empty repository as its first commit; return the branch's commit.

    A repository that already has the branch is left as it is. One that does not exist is made, bare. The commit
    depends on this project's HEAD alone, so seeding twice from the same commit gives the same history.
    """
    if not repository.exists():
        repository.parent.mkdir(parents=True, exist_ok=True)
        git(repository.parent, "init", "--quiet", "--bare", f"--initial-branch={contract.GIT_BRANCH}", str(repository))
    there = attempt(repository, "rev-parse", "--verify", "--quiet", f"{_BRANCH}^{{commit}}")
    if there.code == 0:
        return there.stdout.strip()
    made_from = source.write_tree(repository, project)
    origin = f"this project's commit {made_from.commit[:12]}" if made_from.commit else "the project's files"
    message = f"Begin with the configuration of {origin}\n\n{source.TRAILER}: {made_from.tree}\n"
    who = {"NAME": FALLBACK_NAME, "EMAIL": FALLBACK_EMAIL, **({"DATE": made_from.date} if made_from.date else {})}
    env = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    commit = git(repository, "commit-tree", made_from.tree, "-F", "-", env=env, input_text=message)
    git(repository, "update-ref", _BRANCH, commit, "")
    return commit


def clone(url: str, directory: Path) -> bool:
    """Clone the configuration repository; False when `directory` already is a clone of `url` and was left alone.

    A remote without the branch is seeded in the clone, for the user to push. LookoutError when something else stands
    at `directory`. The clone is made beside it and renamed, so that an interruption leaves nothing half-made.
    """
    if directory.exists() and any(directory.iterdir()):
        _check_clone(url, directory)
        return False
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as temporary:
        fresh = Path(temporary) / "clone"
        git(directory.parent, "clone", "--quiet", url, str(fresh), remedy="is the node up? lookout node status")
        if attempt(fresh, "rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{contract.GIT_BRANCH}").code != 0:
            _start(fresh)
        git(fresh, "checkout", "--quiet", contract.GIT_BRANCH)
        if directory.exists():
            directory.rmdir()
        fresh.rename(directory)
    return True


def _start(fresh: Path) -> None:
    if git(fresh, "branch", "--remotes"):
        raise LookoutError(
            f"the repository has branches, but no {contract.GIT_BRANCH}",
            f"push the configuration to {contract.GIT_BRANCH}, or name an empty repository",
        )
    seed(fresh)
    git(fresh, "config", f"branch.{contract.GIT_BRANCH}.remote", "origin")
    git(fresh, "config", f"branch.{contract.GIT_BRANCH}.merge", _BRANCH)
    # HEAD points at the unborn branch of the clone's default name; an index without files matches it.
    git(fresh, "symbolic-ref", "HEAD", _BRANCH)
    git(fresh, "reset", "--quiet", "--hard")


def _check_clone(url: str, directory: Path) -> None:
    top = attempt(directory, "rev-parse", "--show-toplevel")
    if top.code != 0 or Path(top.stdout.strip()).resolve() != directory.resolve():
        raise LookoutError(f"{directory} is in the way: it is not a git clone", f"move {directory} away")
    remote = attempt(directory, "remote", "get-url", "origin").stdout.strip()
    if remote != url:
        raise LookoutError(
            f"{directory} is a clone of {remote or 'nothing'}, not of {url}",
            f"move it away, or, when the repository only moved: git -C {directory} remote set-url origin {url}",
        )
