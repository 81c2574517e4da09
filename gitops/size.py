"""Sizing an environment from what was measured of the release it runs, and checking what hands wrote against it."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from gitops import scaling_file, size_rules
from gitops.git import git
from gitops.promote import check_environment
from gitops.release import Outcome, wrong_image
from gitops.repository import Repository
from gitops.scaling_file import QUEUE, THREADS
from gitops.version_file import digest
from loadtest.capacity.record import CapacityRecord
from loadtest.capacity.record_file import parse as parse_record
from lookout import contract
from lookout.errors import LookoutError
from service.settings import Settings


class Finding(BaseModel):
    """What checking one environment came to."""

    model_config = ConfigDict(frozen=True)

    environment: str
    record: str | None
    """Path of the record it was held against; None where its release was not measured."""
    wrong: tuple[str, ...]
    """What contradicts the record."""
    image: str | None = None
    """What is wrong with the image, if anything."""


def size(
    repository: Repository, environment: str, *, machine_type: str | None = None, machines: int | None = None
) -> Outcome:
    """Write scaling.yaml and the concurrency limit of settings.yaml from the record of the release in git.

    `machines` is how many of the record's type the environment's pods may fill; by default as many as before. The
    fewest replicas stay as they are. An environment with a fixed number of replicas keeps it and gets the limit only.
    LookoutError without a record, with several and no `machine_type`, and where the measurement leaves no room.
    """
    path, record = _record(repository, check_environment(environment), machine_type)
    if record.sizing is None:
        raise LookoutError(f"{path} sizes nothing: {record.not_sized}", "measure again: lookout load capacity")
    sizing, files = record.sizing, _files(repository, environment)
    scaling_path, settings_path = files
    before = scaling_file.parse(files[scaling_path], scaling_path)
    machines = machines or before.machines
    threads = _threads(files[settings_path], settings_path)
    queue = max(0, sizing.concurrency_limit - threads)
    after = dict(files)
    after[settings_path] = scaling_file.with_variable(files[settings_path], QUEUE, str(queue), settings_path)
    if before.autoscaled:
        room = size_rules.pool_room(sizing, machines)
        most = sizing.max_replicas if room is None else min(sizing.max_replicas, room)
        if most < before.least:
            raise LookoutError(
                f"{environment} wants at least {before.least} replicas, and {machines} machine(s) have room for {most}",
                "give it more with --machines, or lower minReplicas",
            )
        after[scaling_path] = scaling_file.render(
            least=before.least, most=most, target=sizing.target_in_flight, record=path, machines=machines
        )
    writing = scaling_file.changed(files, after)
    if not writing:
        return Outcome(summary=f"nothing to do: {environment} is sized by {path} already")
    summary = f"{environment}: size from the capacity of {record.bento} on {record.machine.type}"
    start = repository.head
    commit = repository.commit_files(writing, _message(summary, path, record.sizing.reasons))
    return Outcome(summary=summary, commit=commit, diff=repository.diff(start, commit))


def _threads(settings: str, path: str) -> int:
    said = scaling_file.variables(settings, path).get(THREADS, Settings().threads or 1)
    try:
        return int(said)
    except ValueError as error:
        raise LookoutError(f"{path}: {THREADS} is {said}, no whole number", f"mend {path}") from error


def check(repository: Repository, environments: Sequence[str]) -> list[Finding]:
    """Hold what each environment says in git against the record of its release, without which nothing contradicts it;
    and its image against the nodes that it asks for."""
    found = []
    for environment in environments:
        check_environment(environment)
        if not repository.has_version(environment):
            continue
        files = _files(repository, environment)
        scaling_path, settings_path = files
        scaling = scaling_file.parse(files[scaling_path], scaling_path)
        record, image = _held_against(repository, environment, scaling.record), wrong_image(repository, environment)
        if record is None:
            found.append(Finding(environment=environment, record=None, wrong=(), image=image))
            continue
        variables = scaling_file.variables(files[settings_path], settings_path)
        wrong = size_rules.contradictions(scaling, variables, record[1])
        found.append(Finding(environment=environment, record=record[0], wrong=tuple(wrong), image=image))
    return found


def _record(repository: Repository, environment: str, machine_type: str | None) -> tuple[str, CapacityRecord]:
    paths = _paths(repository, environment)
    measure = f"measure it: lookout load capacity --env {environment}"
    if machine_type is not None:
        paths = [path for path in paths if path.endswith(f"/{machine_type}.json")]
    if not paths:
        on = f" on {machine_type}" if machine_type else ""
        raise LookoutError(f"the release of {environment} was not measured{on}", measure)
    if len(paths) > 1:
        types = ", ".join(path.rpartition("/")[2].removesuffix(".json") for path in paths)
        raise LookoutError(f"the release of {environment} was measured on {types}", "choose one with --machine-type")
    return paths[0], parse_record(repository.read(paths[0]) or "", paths[0])


def _held_against(repository: Repository, environment: str, named: str | None) -> tuple[str, CapacityRecord] | None:
    """The record that the environment names if it is of this release, else the only one there is of it."""
    paths = _paths(repository, environment)
    chosen = named if named in paths else paths[0] if len(paths) == 1 else None
    return None if chosen is None else (chosen, parse_record(repository.read(chosen) or "", chosen))


def _paths(repository: Repository, environment: str) -> list[str]:
    artifact = repository.version(environment)
    if artifact is None:
        raise LookoutError(f"{environment} has no release", f"lookout release cut --env {environment}")
    directory = f"{contract.CONFIG_CAPACITY}/{digest(artifact.image).replace(':', '-')}/"
    listed = git(repository.directory, "ls-tree", "--name-only", "HEAD", directory)
    return sorted(path for path in listed.splitlines() if path.endswith(".json"))


def _files(repository: Repository, environment: str) -> dict[str, str]:
    """Text of scaling.yaml and settings.yaml by path, in this order."""
    found = {}
    for name in (contract.SCALING_FILE, contract.SETTINGS_FILE):
        path = f"{contract.CONFIG_ENVS}/{environment}/{name}"
        text = repository.read(path)
        if text is None:
            raise LookoutError(f"{repository.directory} has no {path}", "bring it over: lookout release update")
        found[path] = text
    return found


def _message(summary: str, path: str, reasons: Sequence[str]) -> str:
    return "\n".join([summary, "", *reasons, "", f"Lookout-Capacity: {path}"]) + "\n"
