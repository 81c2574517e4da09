"""Cut, promote, roll back: each is one commit in the configuration repository, and the push of it is the release.

A bento has one image for CPUs and may have one for GPUs: an environment that takes the component `gpu` is given the
latter, whichever of them it was cut or promoted from.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict

from gitops import history, promote, version_file
from gitops.git import attempt
from gitops.repository import Repository
from lookout import artifact as artifacts
from lookout import contract
from lookout.artifact import Artifact
from lookout.errors import LookoutError, UsageError

_GPU_COMPONENT: Final = "components/gpu"


class Outcome(BaseModel):
    """What a release command did. Without a commit there was nothing to do."""

    model_config = ConfigDict(frozen=True)

    summary: str
    commit: str | None = None
    diff: str = ""


def cut(repository: Repository, artifact: Artifact, environments: Sequence[str], *, force: bool = False) -> Outcome:
    """Give an image for CPUs, or its bento's for GPUs, to environments: to the first always, to others as their first
    release only."""
    before = {name: _present(repository, promote.check_environment(name)) for name in environments}
    wanted = {name: _fitting(repository, name, artifact, gpu=False) for name in environments}
    changing = [name for name in environments if before[name] != wanted[name]]
    # A version file that a hand edit broke is a release all the same: dev takes a cut in its place, prod does not.
    promote.check_cut(changing, [name for name in changing if repository.has_version(name)], force=force)
    if not changing:
        return Outcome(summary=f"nothing to do: {', '.join(environments)} already at {artifact.bento}")
    summary = f"{', '.join(changing)}: release {artifact.bento}"
    after = {name: wanted[name] for name in changing}
    return _commit(repository, after, before, summary, {"Lookout-Release": "cut"})


def promote_release(repository: Repository, source: str, target: str, *, force: bool = False) -> Outcome:
    """Give the target what the source has in git. Unconditional: no evidence is asked for."""
    promote.check_step(source, target, force=force)
    artifact = repository.version(source)
    if artifact is None:
        raise LookoutError(
            f"{source} has no release to promote", f"lookout release cut --env {contract.ENVIRONMENTS[0]}"
        )
    artifact = _fitting(repository, target, artifact, gpu=_takes_gpu(repository, source))
    before = {target: _present(repository, target)}
    if before[target] == artifact:
        return Outcome(summary=f"nothing to do: {target} already at {source}'s {artifact.bento}")
    summary = f"{target}: promote {artifact.bento} from {source}"
    trailers = {"Lookout-Release": "promote", "Lookout-Promoted-From": source}
    return _commit(repository, {target: artifact}, before, summary, trailers)


def rollback(repository: Repository, environment: str, *, to: str | None = None, steps: int = 1) -> Outcome:
    """Restore an earlier version of an environment: that of commit `to`, or the one `steps` releases back."""
    promote.check_environment(environment)
    before = {environment: _present(repository, environment)}
    commit, artifact = _at(repository, environment, to) if to else _back(repository, environment, steps)
    artifact = _fitting(repository, environment, artifact, gpu=_takes_gpu(repository, environment, commit))
    if before[environment] == artifact:
        return Outcome(summary=f"nothing to do: {environment} already at {artifact.bento}")
    summary = f"{environment}: roll back to {artifact.bento}"
    trailers = {"Lookout-Release": "rollback", history.ROLLBACK_TRAILER: commit}
    return _commit(repository, {environment: artifact}, before, summary, trailers)


def wrong_image(repository: Repository, environment: str) -> str | None:
    """Why an environment's image is the other one of its bento's two than its nodes need: a hand may have named it, or
    given the environment the component since. None where it is not, or this machine built none of them."""
    artifact, wanted = repository.version(environment), _takes_gpu(repository, environment)
    if artifact is None or artifact != _built(artifact.bento, gpu=not wanted):
        return None
    if wanted:
        return f"its image is the one for CPUs, and it takes {_GPU_COMPONENT}: no pod becomes ready with that"
    return f"its image is the one for GPUs, and it does not take {_GPU_COMPONENT}"


def _built(bento: str, *, gpu: bool) -> Artifact | None:
    try:
        return artifacts.load(bento, gpu=gpu)
    except LookoutError:
        return None


def _fitting(repository: Repository, environment: str, artifact: Artifact, *, gpu: bool) -> Artifact:
    """An image for the nodes of an environment, of the same bento as one that is for GPUs or not. LookoutError when it
    would have to be the other one and was not built on this machine."""
    wanted = _takes_gpu(repository, environment)
    return artifact if wanted == gpu else artifacts.load(artifact.bento, gpu=wanted)


def _takes_gpu(repository: Repository, environment: str, revision: str = "HEAD") -> bool:
    text = repository.read(f"{contract.CONFIG_ENVS}/{environment}/kustomization.yaml", revision)
    try:
        found = yaml.safe_load(text or "")
    except yaml.YAMLError:
        return False  # kustomize will say what is wrong with it
    components = found.get("components") if isinstance(found, dict) else None
    return any(str(one).rstrip("/").endswith(_GPU_COMPONENT) for one in components or ())


def _present(repository: Repository, environment: str) -> Artifact | None:
    """The present version; None also when a hand edit broke the file, for a release is how to mend that."""
    try:
        return repository.version(environment)
    except UsageError:
        raise
    except LookoutError:
        return None


def _at(repository: Repository, environment: str, revision: str) -> tuple[str, Artifact]:
    found = attempt(
        repository.directory, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    see = f"lookout release history {environment}"
    if found.code != 0:
        raise UsageError(f"{revision!r} is no commit of {repository.directory}", f"see: {see}")
    commit = found.stdout.strip()
    if attempt(repository.directory, "merge-base", "--is-ancestor", commit, "HEAD").code != 0:
        raise UsageError(f"{revision} is not in the history of {contract.GIT_BRANCH}", f"see: {see}")
    artifact = repository.version(environment, commit)
    if artifact is None:
        raise UsageError(f"{environment} had no release at {revision}", f"see: {see}")
    return commit, artifact


def _back(repository: Repository, environment: str, steps: int) -> tuple[str, Artifact]:
    if steps < 1:
        raise UsageError(f"--steps {steps} goes nowhere", "a number from 1 on")
    entry = history.earlier(history.read(repository, environment), steps)
    if entry is None or entry.artifact is None:
        raise LookoutError(
            f"{environment} has no release {steps} step(s) back", f"see: lookout release history {environment}"
        )
    return entry.commit, entry.artifact


def _commit(
    repository: Repository,
    after: Mapping[str, Artifact],
    before: Mapping[str, Artifact | None],
    summary: str,
    trailers: Mapping[str, str],
) -> Outcome:
    for environment in after:
        directory = f"{contract.CONFIG_ENVS}/{environment}"
        if repository.read(f"{directory}/kustomization.yaml") is None:
            raise LookoutError(
                f"{repository.directory} has no {directory}/kustomization.yaml for the version to go into",
                "bring the configuration over: lookout release update",
            )
    had = {name: _told(repository, name, before[name]) for name in after}
    message = _message(summary, after, had, trailers)
    files = {version_file.path(name): version_file.render(artifact) for name, artifact in after.items()}
    start = repository.head
    commit = repository.commit_files(files, message)
    return Outcome(summary=summary, commit=commit, diff=repository.diff(start, commit))


def _told(repository: Repository, environment: str, present: Artifact | None) -> str:
    if present:
        return present.bento
    return "an unreadable version" if repository.has_version(environment) else "no release"


def _message(
    summary: str,
    after: Mapping[str, Artifact],
    had: Mapping[str, str],
    trailers: Mapping[str, str],
) -> str:
    body = [f"{environment}: {had[environment]} → {artifact.bento}" for environment, artifact in after.items()]
    body += [f"model: {next(iter(after.values())).model}"]
    body += [f"image: {image}" for image in dict.fromkeys(artifact.image for artifact in after.values())]
    ends = [f"{key}: {value}" for key, value in trailers.items()]
    return "\n".join([summary, "", *body, "", *ends]) + "\n"
