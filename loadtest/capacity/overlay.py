"""The pods that are measured: an environment's own manifests, moved to a namespace where nothing else happens. Pure.

No autoscaler and no disruption budget, for the command alone sets the number of pods; no drain, for nobody else asks
them; no deadline in the queue, for a closed loop waits as long as it must. Everything else, the image and the settings
above all, is the environment's.
"""

import copy
from collections.abc import Sequence
from typing import Any, Final

from lookout import contract
from service.settings import PREFIX

Object = dict[str, Any]

NAMESPACE: Final = contract.namespace("capacity")
_LABEL: Final = "capacity"
_KEPT: Final = ("ServiceAccount", "Service", "NetworkPolicy", "Deployment")
_REQUEST_MILLICORES: Final = 50
"""Small, so that the scheduler finds room for all pods beside the control plane; the limit is what is measured."""

_DEADLINE: Final = f"{PREFIX}QUEUE_DEADLINE_S"
_PATIENT_S: Final = 20
"""The longest deadline that the service takes. By its own, a pod with a fifth of a core refuses the sixth photo."""


def namespace() -> Object:
    """The namespace, under the same Pod Security level as the environments'."""
    labels = {contract.ENVIRONMENT_LABEL: _LABEL, "pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def objects(rendered: Sequence[Object], image: str, replicas: int, limit_millicores: int | None) -> list[Object]:
    """The environment's objects as they are to be applied, without the namespace; the given ones stay as they are.

    `image` is what the cluster itself pulls. Each pod gets at most `limit_millicores` of a core, or what there is.
    """
    kept = [copy.deepcopy(item) for item in rendered if item["kind"] in _KEPT]
    for item in kept:
        item["metadata"]["namespace"] = NAMESPACE
        _relabel(item["metadata"])
        spec = item.get("spec", {})
        if item["kind"] == "Service":
            _relabel_selector(spec.get("selector", {}))
        if item["kind"] == "Deployment":
            _measured(spec, image, replicas, limit_millicores)
    return kept


def container(rendered: Sequence[Object]) -> Object:
    """The detector's container."""
    deployment = next(item for item in rendered if item["kind"] == "Deployment")
    containers: list[Object] = deployment["spec"]["template"]["spec"]["containers"]
    return next(one for one in containers if one["name"] == contract.DETECTOR)


def _measured(spec: Object, image: str, replicas: int, limit_millicores: int | None) -> None:
    spec["replicas"] = replicas
    spec["strategy"] = {"type": "Recreate"}
    _relabel_selector(spec["selector"]["matchLabels"])
    _relabel(spec["template"]["metadata"])
    pod = spec["template"]["spec"]
    pod["terminationGracePeriodSeconds"] = 1
    for constraint in pod.get("topologySpreadConstraints", ()):
        _relabel_selector(constraint["labelSelector"].get("matchLabels", {}))
    one = next(item for item in pod["containers"] if item["name"] == contract.DETECTOR)
    one["image"] = image
    one.pop("lifecycle", None)
    _wait(one.setdefault("env", []))
    resources = one.setdefault("resources", {})
    resources.setdefault("requests", {})["cpu"] = f"{_REQUEST_MILLICORES}m"
    if limit_millicores is None:
        resources.get("limits", {}).pop("cpu", None)
    else:
        resources.setdefault("limits", {})["cpu"] = f"{limit_millicores}m"


def _wait(variables: list[Object]) -> None:
    others = [one for one in variables if one["name"] != _DEADLINE]
    variables[:] = [*others, {"name": _DEADLINE, "value": str(_PATIENT_S)}]


def _relabel(metadata: Object) -> None:
    metadata.setdefault("labels", {})[contract.ENVIRONMENT_LABEL] = _LABEL


def _relabel_selector(selector: dict[str, str]) -> None:
    if contract.ENVIRONMENT_LABEL in selector:
        selector[contract.ENVIRONMENT_LABEL] = _LABEL
