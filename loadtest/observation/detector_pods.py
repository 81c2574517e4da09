"""The detector's pods behind one of the stack's own doors or Services, asked of the Kubernetes API."""

import json
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from lookout import contract

_TIMEOUT_S: Final = (1.0, 2.0)
_LOOPBACK: Final = ("127.0.0.1", "localhost")


class Pod(NamedTuple):
    """One pod of the detector."""

    name: str
    uid: str
    ready: bool
    restarts: int


class Seen(NamedTuple):
    """The Deployment and its pods at one moment."""

    wanted: int
    pods: tuple[Pod, ...]


class DetectorPods:
    """One environment's pods. A method that cannot be answered raises OSError or ValueError, whatever the reason."""

    def __init__(self, api: Any, environment_name: str) -> None:
        self._api = api
        self._namespace = contract.namespace(environment_name)

    def look(self) -> Seen:
        """Pods wanted, and each pod that there is."""
        deployment = self._json(f"/apis/apps/v1/namespaces/{self._namespace}/deployments/{contract.DETECTOR}")
        selector = f"?labelSelector=app.kubernetes.io%2Fname%3D{contract.DETECTOR}"
        listed = self._json(f"/api/v1/namespaces/{self._namespace}/pods{selector}")
        return seen(deployment, listed)

    def metrics(self, pod: str) -> str:
        """The text of one pod's /metrics, through the API server."""
        port = contract.CONTAINER_PORT
        path = f"/api/v1/namespaces/{self._namespace}/pods/{pod}:{port}/proxy{contract.METRICS_PATH}"
        return self._text(path)

    def _json(self, path: str) -> Any:
        return json.loads(self._text(path))

    def _text(self, path: str) -> str:
        import urllib3
        from kubernetes.client import ApiException  # type: ignore[import-untyped]  # the client ships no types

        try:
            answer = self._api.call_api(
                path, "GET", auth_settings=["BearerToken"], _preload_content=False, _request_timeout=_TIMEOUT_S
            )
            return str(answer[0].data.decode())
        except (ApiException, urllib3.exceptions.HTTPError) as error:
            raise OSError(f"the Kubernetes API did not answer: {error}") from error


def seen(deployment: Any, listed: Any) -> Seen:
    """From the API's objects. ValueError where they are none."""
    try:
        pods = [
            Pod(
                item["metadata"]["name"],
                item["metadata"]["uid"],
                _is_ready(item),
                sum(status["restartCount"] for status in item["status"].get("containerStatuses", ())),
            )
            for item in listed["items"]
        ]
        return Seen(int(deployment["spec"]["replicas"]), tuple(sorted(pods)))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a Deployment and its pods") from error


def pods_behind(url: str) -> DetectorPods | None:
    """The pods behind a URL, None unless it is an environment's and its cluster is within reach."""
    name = environment_behind(url)
    if name is None:
        return None
    from gitops.cluster import UnreachableError, connect, kubeconfig  # late: the client takes a second to import
    from lookout import environment

    # A door is this machine's own node's, whatever $KUBECONFIG says; a Service is that of the cluster it names.
    own = urlsplit(url).hostname in _LOOPBACK
    try:
        return DetectorPods(connect(str(environment.kubeconfig()) if own else kubeconfig()), name)
    except UnreachableError:
        return None


def environment_behind(url: str) -> str | None:
    """The environment whose door or Service a URL names, None where it is neither."""
    parts = urlsplit(url)
    services = {contract.service_host(name): name for name in contract.ENVIRONMENTS}
    if parts.hostname not in _LOOPBACK:
        return services.get(parts.hostname or "")
    from lookout import environment  # late: the load generator's image has no stack to read settings of

    doors = environment.doors()
    return next((name for name in contract.ENVIRONMENTS if doors[name] == parts.port), None)


def _is_ready(item: Any) -> bool:
    conditions = item["status"].get("conditions", ())
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return ready and "deletionTimestamp" not in item["metadata"]
