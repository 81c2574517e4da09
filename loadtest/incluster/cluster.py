"""The few calls to a cluster that a Job needs; the only module here that knows the Kubernetes client."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from kubernetes import client, stream  # type: ignore[import-untyped]  # the client ships no types
from urllib3.exceptions import HTTPError
from websocket import WebSocketException

from gitops.cluster import UnreachableError, connect, kubeconfig
from loadtest.incluster import job
from lookout import contract
from lookout.errors import LookoutError

Object = dict[str, Any]

_TIMEOUT_S: Final = (3.0, 10.0)
_QUIET_S: Final = (3.0, 60.0)
"""Connect and read timeouts of a log that is followed: the container says something every second."""


class JobCluster:
    """Jobs of load generators in one cluster. LookoutError when the API server refuses or is gone."""

    def __init__(self, api: Any = None) -> None:
        """With the client library's ApiClient, by default of the kubeconfig in use."""
        api = api or connect(kubeconfig())
        self._core = client.CoreV1Api(api)
        self._batch = client.BatchV1Api(api)

    def create(self, order: job.Order) -> None:
        """Make the namespace where it is missing, the Job, and what its pod waits for.

        In this order, so that settings and headers belong to the Job from their first moment: they go with it whatever
        becomes of this process, and it ends and goes by itself.
        """
        settings, headers = job.settings(order), job.headers(order)
        with _explained("make the namespace of load generators"):
            try:
                self._core.create_namespace(job.namespace(), _request_timeout=_TIMEOUT_S)
            except client.ApiException as error:
                if error.status != 409:  # there already
                    raise
        with _explained("make the Job"):
            made = self._batch.create_namespaced_job(job.NAMESPACE, job.job(order), _request_timeout=_TIMEOUT_S)
            uid = made.metadata.uid
            self._core.create_namespaced_config_map(
                job.NAMESPACE, job.owned(settings, order, uid), _request_timeout=_TIMEOUT_S
            )
        if headers is not None:
            with _explained("make the Secret with the run's headers"):
                self._core.create_namespaced_secret(
                    job.NAMESPACE, job.owned(headers, order, uid), _request_timeout=_TIMEOUT_S
                )

    def pod(self, name: str) -> Object | None:
        """The Job's pod as plain data; None while there is none."""
        with _explained("look at the Job's pod"):
            found = self._core.list_namespaced_pod(
                job.NAMESPACE,
                label_selector=f"batch.kubernetes.io/job-name={name}",
                _preload_content=False,
                _request_timeout=_TIMEOUT_S,
            )
            items: list[Object] = json.loads(found.data)["items"]
        return items[0] if items else None

    def warning(self, name: str) -> str | None:
        """What went wrong with the Job itself, where no pod could be made: a quota, Pod Security, an admission hook."""
        with _explained("read the Job's events"):
            found = self._core.list_namespaced_event(
                job.NAMESPACE,
                field_selector=f"type=Warning,involvedObject.kind=Job,involvedObject.name={name}",
                _request_timeout=_TIMEOUT_S,
            )
        # Each try of the controller complains anew, of the same.
        return f"{found.items[0].reason}: {found.items[0].message}" if found.items else None

    def log(self, pod: str) -> Iterator[str]:
        """The container's lines as they come, from its beginning, until it ends or says nothing for a minute."""
        with _explained("read the pod's log"):
            answer = self._core.read_namespaced_pod_log(
                pod,
                job.NAMESPACE,
                container=contract.LOADTEST,
                follow=True,
                _preload_content=False,
                _request_timeout=_QUIET_S,
            )
            rest = b""
            try:
                for piece in answer.stream(decode_content=False):
                    *lines, rest = (rest + piece).split(b"\n")
                    yield from (line.decode(errors="replace") for line in lines)
            finally:
                answer.release_conn()
                answer.close()

    def execute(self, pod: str, command: Sequence[str], within_s: float) -> bytes:
        """Run a command in the container: what it wrote, standard error included. Its exit code is not looked at."""
        with _explained(f"run {command[0]} in the pod"):
            session = stream.stream(
                self._core.connect_get_namespaced_pod_exec,
                pod,
                job.NAMESPACE,
                container=contract.LOADTEST,
                command=list(command),
                stdin=False,
                stdout=True,
                stderr=True,
                tty=False,
                binary=True,
                _preload_content=False,
                _request_timeout=_TIMEOUT_S,
            )
            try:
                session.run_forever(timeout=within_s)
                said: bytes = session.read_all()
            finally:
                session.close()
        return said

    def delete(self, order: job.Order) -> None:
        """Remove the Secret, the Job with its pod, and the settings at once, each whatever becomes of the others.

        Nothing happens where they are gone.
        """
        with ExitStack() as last_first:
            last_first.callback(self._remove, "settings", self._core.delete_namespaced_config_map, order.name)
            last_first.callback(self._remove, "Job", self._batch.delete_namespaced_job, order.name)
            if order.settings.headers:
                last_first.callback(self._remove, "Secret", self._core.delete_namespaced_secret, order.name)

    def _remove(self, what: str, remove: Callable[..., object], name: str) -> None:
        with _explained(f"remove the run's {what}"):
            try:
                remove(name, job.NAMESPACE, propagation_policy="Background", _request_timeout=_TIMEOUT_S)
            except client.ApiException as error:
                if error.status != 404:
                    raise


@contextmanager
def _explained(deed: str) -> Iterator[None]:
    try:
        yield
    except client.ApiException as error:
        raise LookoutError(f"the cluster would not {deed}: {_reason(error)}", "see: lookout load run --help") from error
    except (HTTPError, OSError, WebSocketException) as error:
        raise UnreachableError(
            f"the cluster did not answer when asked to {deed} ({type(error).__name__})",
            "is the node up? lookout node status",
        ) from error


def _reason(error: Any) -> str:
    """The API server's sentence, not the whole answer around it."""
    try:
        message = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        message = error.reason
    return f"{error.status} {message}"
