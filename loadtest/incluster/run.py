"""A run inside the cluster, from here: image, Job, progress, result. Whatever happens, the Job is removed."""

import gzip
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from gitops.diagnosis import pod_problem
from loadtest import image
from loadtest.incluster import job, protocol
from loadtest.incluster.cluster import JobCluster, Object
from loadtest.incluster.protocol import Failed, Finished, Said, Word, understood
from loadtest.observation.observe import observing
from loadtest.result import LoadResult
from loadtest.settings import LoadSettings
from lookout import contract, environment
from lookout.errors import EXIT_INTERRUPTED, LookoutError

Say = Callable[[str], None]

_START_WITHIN_S: Final = 120.0
_LOOK_EVERY_S: Final = 0.2
_WARN_AFTER_S: Final = 5.0
"""A pod that is being scheduled or whose image is being pulled complains of nothing that lasts so long."""
_STOP_WITHIN_S: Final = 15.0
_FETCH_WITHIN_S: Final = 60.0
_FETCH_TRIES: Final = 3


def run_in_cluster(settings: LoadSettings, say: Say) -> LoadResult:
    """Run `settings` as a Job, with the image of this clone's code, and return its result.

    Raises as `run_order` does, and LookoutError where the image cannot be made or pushed.
    """
    push, pull = environment.registries()
    digest = image.push_image(push, say)
    order = job.Order(
        name=f"load-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        image=f"{pull}/{contract.LOADTEST}@{digest}",
        settings=settings,
    )
    return run_order(JobCluster(), order, say)


def run_order(cluster: JobCluster, order: job.Order, say: Say) -> LoadResult:
    """Make the Job, follow it, fetch its result whole and remove it, whatever happens.

    Ctrl-C stops the run early and returns what there is; a second one gives it up. Raises LookoutError where the pod
    does not start, or the run fails in it; KeyboardInterrupt when nothing was measured before it was interrupted.
    """
    say(f"making Job {job.NAMESPACE}/{order.name}")
    try:
        cluster.create(order)
        pod = _started(cluster, order.name, say)
        with observing(order.settings.url) as observer:
            word = _followed(cluster, order.name, pod, say)
        if isinstance(word, Failed):
            if word.exit_code == EXIT_INTERRUPTED:
                raise KeyboardInterrupt
            raise LookoutError(f"in the pod: {word.message}", word.remedy, word.exit_code)
        say("fetching the result")
        result = LoadResult.model_validate_json(_fetched(cluster, pod, word))
        began = time.perf_counter() - (datetime.now(UTC) - result.started_at).total_seconds()
        # Pods have no right to ask the API server; from here all of them are seen, on the clocks' common time.
        return result.model_copy(update={"observations": observer.observations(began, result.duration_s)})
    finally:
        cluster.delete(order)


def _started(cluster: JobCluster, name: str, say: Say) -> str:
    """Name of the pod once its container runs or has run. LookoutError, in Kubernetes' words, when it does not."""
    began = time.monotonic()
    complaint = "its pod is not there yet"
    while time.monotonic() - began < _START_WITHIN_S:
        pod = cluster.pod(name)
        if pod is not None:
            states = [status["state"] for status in pod["status"].get("containerStatuses", ())]
            if any("running" in state or "terminated" in state for state in states):
                return str(pod["metadata"]["name"])
            complaint = pod_problem(pod) or "its container is being made"
            say(complaint)
        if time.monotonic() - began > _WARN_AFTER_S and (lasting := _lasting(pod, cluster, name)):
            raise LookoutError(f"the load generator's pod cannot start: {lasting}", _remedy(lasting))
        time.sleep(_LOOK_EVERY_S)
    raise LookoutError(
        f"the load generator's pod did not start within {_START_WITHIN_S:g} s: {complaint}", _remedy(complaint)
    )


def _lasting(pod: Object | None, cluster: JobCluster, name: str) -> str | None:
    """A complaint that waiting does not mend."""
    if pod is None:
        return cluster.warning(name)
    problem = pod_problem(pod) or ""
    reasons = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerError", "Unschedulable")
    return problem if problem.startswith((*reasons, "CreateContainerConfigError")) else None


def _remedy(complaint: str) -> str:
    if "mage" in complaint.partition(":")[0]:
        return "can the cluster's nodes reach the registry? lookout:registry in the stack's settings names it"
    if "nsufficient" in complaint or "quota" in complaint:
        return f"make room, or ask for fewer --processes: each asks for {job.MILLICORES} millicores"
    return f"look at it with: kubectl describe pods --namespace {job.NAMESPACE}"


def _followed(cluster: JobCluster, name: str, pod: str, say: Say) -> Finished | Failed:
    """The pod's last word. After Ctrl-C the pod is told to stop, and its word is waited for once more."""
    try:
        return _last_word(cluster, name, pod, say)
    except KeyboardInterrupt:
        say("stopping the run; what was measured is being fetched (Ctrl-C again gives it up)")
        with suppress(LookoutError):
            cluster.execute(pod, ("/bin/sh", "-c", "kill -INT 1"), _STOP_WITHIN_S)
        return _last_word(cluster, name, pod, lambda _: None)


def _last_word(cluster: JobCluster, name: str, pod: str, say: Say) -> Finished | Failed:
    strange: list[str] = []
    for line, word in _words(cluster, pod):
        match word:
            case Said():
                say(word.text)
            case Finished() | Failed():
                return word
            case None:
                strange.append(line)
    last = "".join(f"\n    {line}" for line in strange[-8:])
    reason = pod_problem(cluster.pod(name) or {}) or "it gives no reason"
    raise LookoutError(f"the load generator's pod ended without a result: {reason}{last}", _remedy(reason))


def _words(cluster: JobCluster, pod: str) -> Iterator[tuple[str, Word | None]]:
    for line in cluster.log(pod):
        if line.strip():
            yield line, understood(line)


def _fetched(cluster: JobCluster, pod: str, word: Finished) -> bytes:
    for _ in range(_FETCH_TRIES):
        packed = cluster.execute(pod, ("cat", protocol.RESULT_FILE), _FETCH_WITHIN_S)
        if hashlib.sha256(packed).hexdigest() == word.sha256:
            with suppress(LookoutError):
                cluster.execute(pod, ("touch", protocol.FETCHED_FILE), _STOP_WITHIN_S)
            return gzip.decompress(packed)
    raise LookoutError(
        f"of the result's {word.size_bytes} bytes, {len(packed)} other ones arrived, {_FETCH_TRIES} times",
        "run it again",
    )
