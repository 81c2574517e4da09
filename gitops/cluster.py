"""Reading the cluster: Argo CD's objects and the detector's, as plain dicts."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes import client, config  # type: ignore[import-untyped]  # the client ships no types
from kubernetes.config.config_exception import ConfigException  # type: ignore[import-untyped]  # as above
from pydantic import BaseModel, ConfigDict
from urllib3.exceptions import HTTPError

from lookout import contract, environment
from lookout.errors import LookoutError

Object = dict[str, Any]

_ARGOCD_API: Final = "/apis/argoproj.io/v1alpha1"
_REMEDY: Final = "is the node up? lookout node status"
_TIMEOUT_S: Final = (3.0, 10.0)


class Reading(BaseModel):
    """What the cluster holds at one moment. Namespaces that do not exist give empty lists."""

    model_config = ConfigDict(frozen=True)

    applications: tuple[Object, ...] = ()
    application_sets: tuple[Object, ...] = ()
    deployments: dict[str, Object] = {}
    """The detector's Deployment by environment."""
    autoscalers: dict[str, Object] = {}
    """The Deployment's autoscaler by environment, where it has one."""
    pods: dict[str, tuple[Object, ...]] = {}
    """The detector's pods by environment."""


class UnreachableError(LookoutError):
    """No cluster answers, or there is no kubeconfig for one."""


def kubeconfig() -> str:
    """$KUBECONFIG, as kubectl has it: a file or a list of files; else that of the local node."""
    return os.environ.get("KUBECONFIG") or str(environment.kubeconfig())


def connect(path: str) -> Any:
    """The client library's ApiClient for a kubeconfig, or a list of them; UnreachableError where it is unusable."""
    try:
        settings = client.Configuration()
        config.load_kube_config(config_file=path, context=_context(path), client_configuration=settings)
    except (ConfigException, OSError, TypeError, ValueError, yaml.YAMLError) as error:
        raise UnreachableError(f"no usable kubeconfig at {path}", _REMEDY) from error
    settings.retries = False
    return client.ApiClient(settings)


class Cluster:
    """A connection by a kubeconfig; every method raises UnreachableError when the API server does not answer."""

    def __init__(self, path: str | Path | None = None) -> None:
        self.kubeconfig = str(path or kubeconfig())
        self._api = connect(self.kubeconfig)

    def read(self, environments: Sequence[str] = contract.ENVIRONMENTS) -> Reading:
        """Everything `lookout release status` needs, in a few requests."""
        argocd = f"{_ARGOCD_API}/namespaces/{contract.ARGOCD_NAMESPACE}"
        deployments: dict[str, Object] = {}
        autoscalers: dict[str, Object] = {}
        pods: dict[str, tuple[Object, ...]] = {}
        for name in environments:
            namespace = contract.namespace(name)
            if found := self._get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{contract.DETECTOR}"):
                deployments[name] = found
            scaler = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{contract.DETECTOR}"
            if found := self._get(scaler):
                autoscalers[name] = found
            pods[name] = self.pods(name)
        return Reading(
            applications=self._list(f"{argocd}/applications"),
            application_sets=self._list(f"{argocd}/applicationsets"),
            deployments=deployments,
            autoscalers=autoscalers,
            pods=pods,
        )

    def pods(self, environment: str) -> tuple[Object, ...]:
        """The detector's pods of an environment, those that are going away included."""
        selector = f"app.kubernetes.io/name={contract.DETECTOR}"
        return self._list(f"/api/v1/namespaces/{contract.namespace(environment)}/pods", labelSelector=selector)

    def warnings(self, environment: str) -> tuple[Object, ...]:
        """The environment's events of type Warning, oldest first."""
        found = self._list(f"/api/v1/namespaces/{contract.namespace(environment)}/events", fieldSelector="type=Warning")
        return tuple(sorted(found, key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or ""))

    def own_replicas(self, environment: str, manager: str) -> int | None:
        """Let a field manager hold the replicas that the environment's Deployment has; None where there is none."""
        path = f"/apis/apps/v1/namespaces/{contract.namespace(environment)}/deployments/{contract.DETECTOR}"
        deployment = self._get(path)
        if deployment is None:
            return None
        replicas = int(deployment["spec"]["replicas"])
        wanted = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": contract.DETECTOR}}
        self._call("PATCH", path, query={"fieldManager": manager}, body=wanted | {"spec": {"replicas": replicas}},
                   form="application/apply-patch+yaml")  # fmt: skip
        return replicas

    def look_again(self, reading: Reading) -> None:
        """Ask Argo CD to compare everything in `reading` anew.

        A comparison that failed, for example while the repo-server was starting, is otherwise not tried again before
        the next poll, three minutes later.
        """
        argocd = f"{_ARGOCD_API}/namespaces/{contract.ARGOCD_NAMESPACE}"
        for application_set in reading.application_sets:
            path = f"{argocd}/applicationsets/{application_set['metadata']['name']}"
            self._annotate(path, {contract.ARGOCD_SET_REFRESH_ANNOTATION: "true"})
        for application in reading.applications:
            path = f"{argocd}/applications/{application['metadata']['name']}"
            self._annotate(path, {contract.ARGOCD_REFRESH_ANNOTATION: "normal"})

    def _annotate(self, path: str, annotations: dict[str, str]) -> None:
        self._call("PATCH", path, body={"metadata": {"annotations": annotations}})

    def _list(self, path: str, **query: str) -> tuple[Object, ...]:
        return tuple((self._get(path, **query) or {}).get("items", ()))

    def _get(self, path: str, **query: str) -> Object | None:
        return self._call("GET", path, query=query)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Object | None = None,
        form: str = "application/merge-patch+json",
    ) -> Object | None:
        """The answer's JSON, None for 404: a namespace or a kind that is not there yet is no error."""
        try:
            answer = self._api.call_api(
                path,
                method,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", "Content-Type": form},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=_TIMEOUT_S,
            )
            found: Object = json.loads(answer.data)
        except client.ApiException as error:
            if error.status == 404:
                return None
            raise UnreachableError(
                f"the cluster refused {path}: {error.status} {error.reason}", f"check the rights of {self.kubeconfig}"
            ) from error
        except (HTTPError, OSError, ValueError) as error:
            raise UnreachableError(
                f"the cluster of {self.kubeconfig} does not answer ({type(error).__name__})",
                _REMEDY,
            ) from error
        return found


def _context(kubeconfig: str) -> str | None:
    """The first that a file of the list names, as kubectl takes it; the client library would take the last."""
    for name in filter(None, kubeconfig.split(os.pathsep)):
        file = Path(name).expanduser()
        known = yaml.safe_load(file.read_text()) if file.is_file() else None
        if isinstance(known, dict) and (context := known.get("current-context")):
            return str(context)
    return None
