"""Bringing later changes of this project's configuration over into the configuration repository, by a three-way merge.

Base is the configuration that repository was last made from (recorded in a commit trailer), ours its HEAD with
whatever was edited by hand, theirs this project's configuration at HEAD. Version files are in neither base nor theirs,
so no merge touches them; that is checked all the same.
"""

import tempfile
from pathlib import Path
from typing import Literal

from gitops import source, version_file
from gitops.git import FALLBACK_EMAIL, FALLBACK_NAME, attempt, git
from gitops.release import Outcome
from gitops.repository import Repository
from lookout import contract, paths
from lookout.errors import LookoutError

OnConflict = Literal["refuse", "mine", "project"]

# A directory renamed in the project must not carry a version file along with it.
_NO_RENAMES = ("-c", "merge.renames=false", "-c", "merge.directoryRenames=false")
_KEEP = "refs/lookout/config"


def update(
    repository: Repository, project: Path = paths.PROJECT_ROOT, *, on_conflict: OnConflict = "refuse"
) -> Outcome:
    """Merge the project's configuration as one commit.

    Where a file was edited on both sides in the same lines, LookoutError names it, unless `on_conflict` says whose
    file to take whole: the configuration repository's (`mine`) or this project's (`project`).
    """
    base = _base(repository)
    theirs = source.write_tree(repository.directory, project)
    if theirs.tree == base:
        return Outcome(summary="nothing to do: the configuration is that of this project already")
    if not source.restore_tree(repository.directory, base, project):
        raise LookoutError(
            f"the configuration this repository was last made from (tree {base[:12]}) is not in this project's history",
            "fetch the project's whole history (git fetch --unshallow), then try again",
        )
    tree = _merge(repository, base, theirs.tree, on_conflict)
    _refuse_touched_versions(repository, tree)
    origin = f"this project's commit {theirs.commit[:12]}" if theirs.commit else "the project's files"
    summary = f"Bring the configuration up to {origin}"
    start = repository.head
    commit = repository.commit_tree(tree, f"{summary}\n\n{source.TRAILER}: {theirs.tree}\n")
    # The next merge's base must outlive git's garbage collection.
    git(repository.directory, "update-ref", _KEEP, theirs.tree)
    return Outcome(summary=summary, commit=commit, diff=repository.diff(start, commit))


def _base(repository: Repository) -> str:
    form = f"--format=%(trailers:key={source.TRAILER},valueonly,separator=%x20)"
    trees = git(repository.directory, "log", form, "HEAD").split()
    if not trees:
        raise LookoutError(
            f"no commit of {repository.directory} says which configuration it was made from ({source.TRAILER})",
            "bring the changes over by hand; the files are in gitops/config/",
        )
    return trees[0]


def _merge(repository: Repository, base: str, theirs: str, on_conflict: OnConflict) -> str:
    where = repository.directory
    root = _commit(where, base)
    ours, other = (_commit(where, tree, "-p", root) for tree in (git(where, "rev-parse", "HEAD^{tree}"), theirs))
    done = attempt(where, *_NO_RENAMES, "merge-tree", "--write-tree", "--name-only", "--no-messages", ours, other)
    if done.code not in (0, 1):
        raise LookoutError(f"git merge-tree failed: {done.stderr.strip()}", "git 2.38 or newer is needed")
    tree, *conflicts = [line for line in done.stdout.splitlines() if line]
    if done.code == 0:
        return tree
    if on_conflict == "refuse":
        raise LookoutError(
            f"edited both here and in this project: {', '.join(conflicts)}",
            "make the two agree in either place and commit, or take one side of these files whole: "
            "lookout release update --on-conflict mine|project",
        )
    return _resolve(where, tree, conflicts, ours if on_conflict == "mine" else other)


def _commit(where: Path, tree: str, *parents: str) -> str:
    """A commit that no branch will ever name: merge-tree finds its base through them."""
    env = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", FALLBACK_NAME), ("EMAIL", FALLBACK_EMAIL))
    }
    return git(where, "commit-tree", tree, *parents, "-m", "base of a merge", env=env)


def _resolve(where: Path, tree: str, conflicts: list[str], side: str) -> str:
    with tempfile.TemporaryDirectory(prefix="lookout-index-") as temporary:
        env = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
        git(where, "read-tree", tree, env=env)
        for path in conflicts:
            entry = git(where, "ls-tree", side, "--", path).split()
            if entry:
                git(where, "update-index", "--add", "--cacheinfo", f"{entry[0]},{entry[2]},{path}", env=env)
            else:
                git(where, "update-index", "--force-remove", "--", path, env=env)
        return git(where, "write-tree", env=env)


def _refuse_touched_versions(repository: Repository, tree: str) -> None:
    for environment in contract.ENVIRONMENTS:
        path = version_file.path(environment)
        if repository.read(path) != repository.read(path, tree):
            raise LookoutError(
                f"bringing the configuration over would change {path}",
                "a version changes by cut, promote or rollback alone; please report this",
            )
