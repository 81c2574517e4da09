"""Git beside cluster: what each environment should run, what Argo CD made of it, and what its pods run."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, computed_field

from gitops import monitoring, version_file
from gitops.cluster import Cluster, Reading, UnreachableError
from gitops.diagnosis import (
    PodStatus,
    application_errors,
    autoscaler_errors,
    deployment_errors,
    one_line_each,
    pod_status,
    shared_errors,
)
from gitops.monitoring import MonitoringStatus
from gitops.repository import Distance, Repository
from lookout import contract
from lookout.artifact import Artifact
from lookout.errors import LookoutError


class EnvironmentStatus(BaseModel):
    """An environment in git and in the cluster. Cluster fields are None where the cluster was not read."""

    model_config = ConfigDict(frozen=True)

    environment: str
    release: Artifact | None = None
    """At HEAD of deploy/."""
    pushed: Artifact | None = None
    """On the remote branch, as last fetched: what Argo CD reads."""
    unreadable: bool = False
    """A version file is there, at HEAD or on the remote branch, but broken; `errors` says how."""
    sync: str | None = None
    health: str | None = None
    revision: str | None = None
    replicas_wanted: int | None = None
    replicas_ready: int | None = None
    deployed_digest: str | None = None
    pods: tuple[PodStatus, ...] = ()
    errors: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented form
    @property
    def digest(self) -> str | None:
        """Digest that the cluster should run."""
        return version_file.digest(self.pushed.image) if self.pushed else None

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def running(self) -> tuple[str, ...]:
        """Digests of the pods that are ready, sorted; more than one in the middle of a rollout."""
        return tuple(sorted({pod.digest for pod in self.pods if pod.ready}))

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def waiting_for(self) -> tuple[str, ...]:
        """What keeps the environment from being settled; empty when it runs what git says, wholly and healthily."""
        return tuple(_waiting(self))


class Overview(BaseModel):
    """All environments, and what concerns none of them alone."""

    model_config = ConfigDict(frozen=True)

    environments: tuple[EnvironmentStatus, ...]
    ahead: int | None = None
    """Commits of deploy/ that are not pushed; None without a clone."""
    behind: int | None = None
    monitoring: MonitoringStatus | None = None
    """None where the cluster has none, or was not read."""
    notes: tuple[str, ...] = ()
    """What could not be read, and why."""
    errors: tuple[str, ...] = ()
    """Errors of the root Application and of ApplicationSets: they concern every environment."""


def environments(kubeconfig: str | Path | None = None) -> list[EnvironmentStatus]:
    """Every environment's state now. LookoutError when deploy/ or the cluster cannot be read."""
    return from_reading(Repository.open(), Cluster(kubeconfig).read())


def overview(kubeconfig: str | Path | None = None) -> Overview:
    """The same for a person: what cannot be read is a note, not an error."""
    notes: list[str] = []
    repository: Repository | None = None
    reading: Reading | None = None
    distance: Distance | None = None
    try:
        repository = Repository.open()
        if silent := repository.fetch():
            notes.append(f"{silent}; what is pushed is shown as last fetched")
        distance = repository.distance()
    except LookoutError as error:
        notes.append(str(error))
    try:
        reading = Cluster(kubeconfig).read()
    except UnreachableError as error:
        notes.append(f"cluster not read: {error}")
    return Overview(
        environments=tuple(from_reading(repository, reading)),
        ahead=distance.ahead if distance else None,
        behind=distance.behind if distance else None,
        monitoring=monitoring.from_reading(reading) if reading else None,
        notes=tuple(notes),
        errors=tuple(shared_errors(reading)) if reading else (),
    )


def from_reading(repository: Repository | None, reading: Reading | None) -> list[EnvironmentStatus]:
    """Put git and a cluster's reading side by side; either may be missing."""
    found = []
    for name in contract.ENVIRONMENTS:
        errors: list[str] = []
        release = _version(repository, name, "HEAD", errors)
        upstream = repository.upstream if repository else None
        pushed = _version(repository, name, upstream, errors) if upstream else None
        unreadable = bool(errors)
        cluster = _cluster_side(name, reading) if reading else EnvironmentStatus(environment=name)
        found.append(
            cluster.model_copy(
                update={
                    "release": release,
                    "pushed": pushed,
                    "unreadable": unreadable,
                    "errors": (*one_line_each(errors), *cluster.errors),
                }
            )
        )
    return found


def _cluster_side(name: str, reading: Reading) -> EnvironmentStatus:
    application = next((a for a in reading.applications if a["metadata"]["name"] == contract.application(name)), None)
    deployment = reading.deployments.get(name)
    status = application.get("status", {}) if application else {}
    template = deployment["spec"]["template"]["spec"] if deployment else {"containers": []}
    image = next((c["image"] for c in template["containers"] if c["name"] == contract.DETECTOR), None)
    errors = application_errors(application) if application else []
    errors += deployment_errors(deployment or {}) + autoscaler_errors(reading.autoscalers.get(name, {}))
    return EnvironmentStatus(
        environment=name,
        sync=status.get("sync", {}).get("status", "Unknown") if application else "no Application",
        health=status.get("health", {}).get("status", "Unknown") if application else "Missing",
        revision=status.get("sync", {}).get("revision"),
        replicas_wanted=deployment["spec"].get("replicas", 1) if deployment else 0,
        replicas_ready=deployment.get("status", {}).get("readyReplicas", 0) if deployment else 0,
        deployed_digest=version_file.digest(image) if image else None,
        pods=tuple(pod_status(pod) for pod in reading.pods.get(name, ())),
        errors=tuple(errors),
    )


def _waiting(state: EnvironmentStatus) -> Iterable[str]:
    if state.digest is None:
        yield "no release in git"
        return
    if state.sync is None:
        yield "cluster not read"
        return
    if state.deployed_digest != state.digest:
        yield f"{contract.application(state.environment)} has not applied {state.digest[:19]} yet"
    if state.sync != "Synced":
        yield f"sync is {state.sync}"
    if state.health != "Healthy":
        yield f"health is {state.health}"
    staying = [pod for pod in state.pods if not pod.leaving]
    for pod in staying:
        if pod.digest != state.digest:
            yield f"{pod.name} still runs {pod.digest[:19] or 'an image without digest'}"
        elif not pod.ready:
            yield f"{pod.name} is not ready{': ' + pod.problem if pod.problem else ''}"
    if len(staying) != state.replicas_wanted:
        yield f"{len(staying)} of {state.replicas_wanted} pods are there"


def _version(repository: Repository | None, name: str, revision: str, errors: list[str]) -> Artifact | None:
    if repository is None:
        return None
    try:
        return repository.version(name, revision)
    except LookoutError as error:
        errors.append(error.message)
        return None
