"""`deploy/`: the clone of the configuration repository. Every change is one commit that appears whole or not at all."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from gitops import version_file
from gitops.git import attempt, git, identity
from lookout import contract, paths
from lookout.artifact import Artifact
from lookout.errors import LookoutError, UsageError

_UPSTREAM = f"refs/remotes/origin/{contract.GIT_BRANCH}"
_FETCH_TIMEOUT_S = 20.0


class Distance(NamedTuple):
    """Commits that only this clone has, and commits that only the remote has, as last fetched."""

    ahead: int
    behind: int


class Repository:
    """A clone with branch main checked out and a remote called origin."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def open(cls, directory: Path | None = None) -> Self:
        """The clone at `directory` (default: deploy/). LookoutError when it is missing or in no state for a commit."""
        directory = directory or paths.deploy_dir()
        top = attempt(directory, "rev-parse", "--show-toplevel") if directory.is_dir() else None
        if top is None or top.code != 0 or Path(top.stdout.strip()).resolve() != directory.resolve():
            raise LookoutError(
                f"there is no clone of the configuration repository at {directory}",
                "run: make up (or, on a cluster of your own: lookout release clone URL)",
            )
        repository = cls(directory)
        branch = attempt(directory, "symbolic-ref", "--short", "HEAD").stdout.strip()
        if branch != contract.GIT_BRANCH:
            where = f"on branch {branch}" if branch else "on no branch (a rebase or a bisect under way?)"
            raise LookoutError(
                f"{directory} is {where}; releases are commits on {contract.GIT_BRANCH}",
                f"git -C {directory} switch {contract.GIT_BRANCH}",
            )
        return repository

    @property
    def head(self) -> str:
        """The commit checked out."""
        return git(self.directory, "rev-parse", "HEAD")

    @property
    def upstream(self) -> str | None:
        """The remote branch's commit as last fetched; None before the first push."""
        found = attempt(self.directory, "rev-parse", "--verify", "--quiet", _UPSTREAM)
        return found.stdout.strip() if found.code == 0 else None

    def read(self, path: str, revision: str = "HEAD") -> str | None:
        """A file's text at a revision; None where it does not exist there."""
        if attempt(self.directory, "cat-file", "-e", f"{revision}:{path}").code != 0:
            return None
        return attempt(self.directory, "cat-file", "blob", f"{revision}:{path}").stdout

    def version(self, environment: str, revision: str = "HEAD") -> Artifact | None:
        """What an environment runs according to a revision; None before its first release.

        UsageError for an environment that does not exist, LookoutError for a version file that cannot be read.
        """
        if environment not in contract.ENVIRONMENTS:
            raise UsageError(f"unknown environment {environment!r}", f"one of {', '.join(contract.ENVIRONMENTS)}")
        path = version_file.path(environment)
        text = self.read(path, revision)
        if text is None:
            return None
        commit = git(self.directory, "rev-parse", "--short=12", revision)
        return version_file.parse(text, f"{path} at {commit} in {self.directory}")

    def has_version(self, environment: str, revision: str = "HEAD") -> bool:
        """Whether an environment has a version file at a revision, readable or not."""
        return self.read(version_file.path(environment), revision) is not None

    def distance(self) -> Distance:
        """How far this clone and the remote branch, as last fetched, are apart."""
        if self.upstream is None:
            return Distance(int(git(self.directory, "rev-list", "--count", "HEAD")), 0)
        counts = git(self.directory, "rev-list", "--left-right", "--count", f"HEAD...{_UPSTREAM}").split()
        return Distance(int(counts[0]), int(counts[1]))

    def fetch(self) -> str | None:
        """Ask the remote for news; None when it answered, else a line that says why not."""
        done = attempt(self.directory, "fetch", "--quiet", "origin", timeout_s=_FETCH_TIMEOUT_S)
        if done.code == 0:
            return None
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return f"the remote did not answer: {said[0] if said else 'exit code ' + str(done.code)}"

    def refuse_divergence(self) -> None:
        """LookoutError when the remote has commits this clone lacks: somebody else released or edited meanwhile."""
        ahead, behind = self.distance()
        if not behind:
            return
        where = self.directory
        if attempt(where, "merge-base", "HEAD", _UPSTREAM).code != 0:
            raise LookoutError(
                f"{where} and its remote share no history: the repository was made anew since this clone",
                f"move {where} away and run: make up",
            )
        news = f"see them: git -C {where} log HEAD..origin/{contract.GIT_BRANCH}"
        if ahead:
            raise LookoutError(
                f"{where} and its remote have diverged: {ahead} commit(s) only here, {behind} only there",
                f"git -C {where} pull --rebase puts yours on top; {news}",
            )
        raise LookoutError(f"{where} lacks {behind} commit(s) of its remote", f"git -C {where} pull --ff-only; {news}")

    def refuse_dirty(self, *files: str) -> None:
        """LookoutError when one of the files has changes that are not committed, staged or not."""
        changed = [line[3:] for line in git(self.directory, "status", "--porcelain", "--", *files).splitlines()]
        if changed:
            raise LookoutError(
                f"{self.directory} has changes that are not committed in {', '.join(changed)}",
                f"commit them, or drop them: git -C {self.directory} checkout HEAD -- {changed[0]}",
            )

    def commit_files(self, files: Mapping[str, str], message: str) -> str:
        """Commit the given texts on top of HEAD and bring the working tree along; return the commit.

        Other changes in the working tree or the index stay as they are and out of the commit.
        """
        self.refuse_dirty(*files)
        with tempfile.TemporaryDirectory(prefix="lookout-index-") as temporary:
            env = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
            git(self.directory, "read-tree", "HEAD", env=env)
            for path, text in files.items():
                blob = git(self.directory, "hash-object", "-w", "--stdin", input_text=text)
                git(self.directory, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", env=env)
            tree = git(self.directory, "write-tree", env=env)
        return self.commit_tree(tree, message)

    def commit_tree(self, tree: str, message: str) -> str:
        """Commit a whole tree on top of HEAD and bring the working tree along; return the commit.

        LookoutError, with nothing changed, when a file in the working tree is in the way.
        """
        sign = ["-S"] if attempt(self.directory, "config", "--bool", "commit.gpgsign").stdout.strip() == "true" else []
        commit = git(
            self.directory, *identity(self.directory), "commit-tree", *sign, tree, "-p", "HEAD", "-F", "-",
            input_text=message,
        )  # fmt: skip
        git(
            self.directory, "merge", "--quiet", "--ff-only", commit,
            remedy=f"commit or move away what is in the way: git -C {self.directory} status",
        )  # fmt: skip
        return commit

    def diff(self, before: str, after: str) -> str:
        """What changed between two commits, as a patch without colours."""
        return git(self.directory, "diff", "--no-color", "--no-ext-diff", before, after)

    def push(self) -> None:
        """Push the branch. Never by force: LookoutError explains a refusal and says how to go on."""
        where = self.directory
        done = attempt(where, "push", "--quiet", "--set-upstream", "origin", f"HEAD:refs/heads/{contract.GIT_BRANCH}")
        if done.code == 0:
            return
        again = f"the commit is kept; when that is mended: git -C {where} push"
        if "[rejected]" in done.stderr or "fetch first" in done.stderr:
            raise LookoutError(
                "the push was rejected: the remote has commits this clone lacks",
                f"git -C {where} pull --rebase, look at the result, then git -C {where} push",
            )
        said = done.stderr.strip().splitlines()
        raise LookoutError("the push failed: " + "\n    ".join(said or [f"exit code {done.code}"]), again)
