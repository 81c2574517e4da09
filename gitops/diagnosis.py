"""What the cluster's objects complain of, from plain dicts: Applications, ApplicationSets, Deployments, pods."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from gitops import version_file
from gitops.cluster import Object, Reading
from lookout import contract


class PodStatus(BaseModel):
    """One pod. `problem` says why it is not ready, where Kubernetes knows."""

    model_config = ConfigDict(frozen=True)

    name: str
    digest: str
    ready: bool
    leaving: bool
    restarts: int = 0
    problem: str | None = None


def shared_errors(reading: Reading) -> list[str]:
    """Errors of the root Application and of the ApplicationSets."""
    errors = []
    for application in reading.applications:
        if application["metadata"]["name"] == contract.ROOT_APPLICATION:
            errors += [f"Application {contract.ROOT_APPLICATION}: {text}" for text in application_errors(application)]
    for application_set in reading.application_sets:
        name = application_set["metadata"]["name"]
        for condition in application_set.get("status", {}).get("conditions", ()):
            if condition.get("type") == "ErrorOccurred" and condition.get("status") == "True":
                errors.append(f"ApplicationSet {name}: {condition.get('message', '')}")
    return one_line_each(errors)


def application_errors(application: Object) -> list[str]:
    """What Argo CD complains of in an Application: conditions, a failed sync, the objects it could not apply."""
    status = application.get("status", {})
    errors = [
        f"{condition['type']}: {condition.get('message', '')}"
        for condition in status.get("conditions", ())
        if condition.get("type", "").endswith(("Error", "Warning"))
    ]
    operation = status.get("operationState", {})
    if operation.get("phase") in ("Failed", "Error"):
        errors.append(f"sync {operation['phase'].lower()}: {operation.get('message', '')}")
        errors += [
            f"{resource.get('kind')} {resource.get('name')}: {resource.get('message', '')}"
            for resource in (operation.get("syncResult") or {}).get("resources", ())
            if resource.get("status") == "SyncFailed"
        ]
    return one_line_each(errors)


def deployment_errors(deployment: Object) -> list[str]:
    """Why a Deployment gets no new pods (a quota, Pod Security), or that its rollout has taken too long."""
    return one_line_each(
        f"Deployment: {_sentence(condition.get('reason'), condition.get('message'))}"
        for condition in deployment.get("status", {}).get("conditions", ())
        if (condition.get("type"), condition.get("status")) in (("ReplicaFailure", "True"), ("Progressing", "False"))
    )


def autoscaler_errors(autoscaler: Object) -> list[str]:
    """Why an autoscaler keeps its hands still: Argo CD calls one healthy that finds no metric."""
    return one_line_each(
        f"the autoscaler does not scale: {_sentence(condition.get('reason'), condition.get('message'))}"
        for condition in autoscaler.get("status", {}).get("conditions", ())
        if (condition.get("type"), condition.get("status")) == ("ScalingActive", "False")
    )


def pod_status(pod: Object) -> PodStatus:
    """The few facts of a pod that matter here."""
    status = pod.get("status", {})
    containers: Sequence[Object] = status.get("containerStatuses", ())
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions", ()))
    image = next((c["image"] for c in pod["spec"]["containers"] if c["name"] == contract.DETECTOR), "")
    return PodStatus(
        name=pod["metadata"]["name"],
        digest=version_file.digest(image),
        ready=ready,
        leaving="deletionTimestamp" in pod["metadata"],
        restarts=sum(c.get("restartCount", 0) for c in containers),
        problem=None if ready else pod_problem(pod),
    )


def pod_problem(pod: Object) -> str | None:
    """Why a pod that is not ready is not, in Kubernetes' own words; None where it does not say."""
    status = pod.get("status", {})
    for container in status.get("containerStatuses", ()):
        waiting = container.get("state", {}).get("waiting")
        if waiting and waiting.get("reason") not in ("ContainerCreating", "PodInitializing"):
            return _sentence(waiting.get("reason"), waiting.get("message"))
        if ended := container.get("state", {}).get("terminated"):
            return _sentence(ended.get("reason"), ended.get("message") or f"exit code {ended.get('exitCode')}")
    if status.get("reason"):  # an evicted pod
        return _sentence(status["reason"], status.get("message"))
    false = {c.get("type"): c for c in status.get("conditions", ()) if c.get("status") == "False"}
    condition = false.get("PodScheduled") or false.get("Ready")
    return _sentence(condition.get("reason"), condition.get("message")) if condition else None


def one_line_each(texts: Iterable[str]) -> list[str]:
    """Each text once and on one line: kustomize and the API server quote whole files."""
    return list(dict.fromkeys(" ".join(text.split()) for text in texts))


def _sentence(reason: str | None, message: str | None) -> str | None:
    return ": ".join(part for part in (reason, message) if part) or None
