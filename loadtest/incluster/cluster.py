"""The few calls to a cluster that a Job needs; the only module here that knows the Kubernetes client."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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

    def __init__(self, path: str | None = None) -> None:
        api = connect(path or kubeconfig())
        self._core = client.CoreV1Api(api)
        self._batch = client.BatchV1Api(api)

    def create(self, order: job.Order) -> None:
        """Make the namespace where it is missing, the settings, and the Job that owns them."""
        with _explained("make the namespace of load generators"):
            try:
                self._core.create_namespace(job.namespace(), _request_timeout=_TIMEOUT_S)
            except client.ApiException as error:
                if error.status != 409:  # there already
                    raise
        with _explained("make the Job"):
            self._core.create_namespaced_config_map(job.NAMESPACE, job.settings(order), _request_timeout=_TIMEOUT_S)
            try:
                made = self._batch.create_namespaced_job(job.NAMESPACE, job.job(order), _request_timeout=_TIMEOUT_S)
                owned = {"metadata": {"ownerReferences": [job.owner(order, made.metadata.uid)]}}
                self._core.patch_namespaced_config_map(order.name, job.NAMESPACE, owned, _request_timeout=_TIMEOUT_S)
            except BaseException:
                self.delete(order.name)
                raise

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

    def delete(self, name: str) -> None:
        """Remove the Job, its pod and its settings at once. Nothing happens where they are gone."""
        with _explained("remove the Job"):
            for remove in (self._batch.delete_namespaced_job, self._core.delete_namespaced_config_map):
                try:
                    remove(
                        name,
                        job.NAMESPACE,
                        propagation_policy="Background",
                        _request_timeout=_TIMEOUT_S,
                    )
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
