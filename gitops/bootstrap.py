"""The first release of a configuration repository: every environment gets the same image, once."""

from pathlib import Path

from gitops import release, seed
from gitops.release import Outcome
from gitops.repository import Repository
from lookout import contract
from lookout.artifact import Artifact
from lookout.errors import LookoutError


def bootstrap(url: str, directory: Path, artifact: Artifact) -> Outcome:
    """Clone the repository to `directory` if need be; release `artifact` into all environments if none has a version.

    What an earlier, interrupted call committed is pushed. LookoutError when the remote does not answer or has gone
    another way.
    """
    seed.clone(url, directory)
    repository = Repository.open(directory)
    if silent := repository.fetch():
        raise LookoutError(silent, "is the node up? lookout node status")
    repository.refuse_divergence()
    if any(repository.has_version(environment) for environment in contract.ENVIRONMENTS):
        outcome = Outcome(summary="unchanged: environments keep the versions that git names")
    else:
        outcome = release.cut(repository, artifact, contract.ENVIRONMENTS)
    if repository.distance().ahead and _only_ours(repository):
        repository.push()
    return outcome


def _only_ours(repository: Repository) -> bool:
    """Whether nothing but the first release waits to be pushed: a person's commits are a person's to push."""
    upstream = repository.upstream
    return upstream is None or not any(repository.has_version(name, upstream) for name in contract.ENVIRONMENTS)
