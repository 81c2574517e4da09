"""The Job as data: what Kubernetes is asked to run, under Pod Security `restricted` and with bounds on everything."""

import base64
import gzip
import json
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from loadtest.incluster import protocol
from loadtest.settings import LoadSettings
from lookout import contract
from lookout.errors import LookoutError
from lookout.oci import python

NAMESPACE: Final = "lookout-loadtest"
_START_WITHIN_S: Final = 180
_FORGET_AFTER_S: Final = 600
"""A Job whose owner was killed disappears by itself after this time."""
MILLICORES: Final = 250
"""Asked for each process that sends: little, so that it fits beside a control plane on two cores. The limit is more."""
_MEMORY_MI: Final = 384
"""For each process that sends, and once for the process that records."""
_MAX_OBJECT_BYTES: Final = 700_000
"""etcd takes 1.5 MB and a ConfigMap 1 MiB, of which base64 leaves three quarters."""
_LABELS: Final = {"app.kubernetes.io/name": contract.LOADTEST, "app.kubernetes.io/part-of": "lookout"}


class Order(BaseModel):
    """One run in the cluster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,50}$")]
    image: str
    """By digest."""
    settings: LoadSettings


def namespace() -> dict[str, Any]:
    """The namespace that load generators have to themselves."""
    labels = {"app.kubernetes.io/part-of": "lookout", "pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def settings(order: Order) -> dict[str, Any]:
    """The run's settings, compressed: a replayed trace is in them. Headers' values are not: they are in the Secret.

    LookoutError where a trace is too long for an object.
    """
    packed = gzip.compress(order.settings.model_dump_json().encode(), mtime=0)
    if len(packed) > _MAX_OBJECT_BYTES:
        raise LookoutError(
            f"the trace takes {len(packed) / 1e6:.1f} MB compressed, and a cluster stores at most 1 MB of it",
            "replay it in parts, or from here: leave out --in-cluster",
        )
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": order.name, "namespace": NAMESPACE, "labels": _LABELS},
        "immutable": True,
        "binaryData": {protocol.SETTINGS_FILE: base64.b64encode(packed).decode()},
    }


def headers(order: Order) -> dict[str, Any] | None:
    """The Secret with the values of the run's headers, tokens above all; None for a run without headers."""
    if not order.settings.headers:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": order.name, "namespace": NAMESPACE, "labels": _LABELS},
        "type": "Opaque",
        "immutable": True,
        "stringData": {protocol.HEADERS_FILE: json.dumps(order.settings.revealed()["headers"])},
    }


def owned(thing: dict[str, Any], order: Order, uid: str) -> dict[str, Any]:
    """The same object, which now goes when the Job with this uid goes, or has gone."""
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": order.name, "uid": uid}
    return {**thing, "metadata": {**thing["metadata"], "ownerReferences": [owner]}}


def job(order: Order) -> dict[str, Any]:
    """One pod, tried once: a second attempt would measure something else."""
    deadline_s = _START_WITHIN_S + order.settings.duration_s + order.settings.timeout_s + protocol.FETCH_WITHIN_S
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": order.name, "namespace": NAMESPACE, "labels": _LABELS},
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": round(deadline_s),
            "ttlSecondsAfterFinished": _FORGET_AFTER_S,
            "template": {"metadata": {"labels": _LABELS}, "spec": _pod(order)},
        },
    }


def _pod(order: Order) -> dict[str, Any]:
    processes = order.settings.processes
    memory = f"{_MEMORY_MI * (processes + 1)}Mi"
    # On disk, not in memory: a long run's samples are large.
    volumes: list[dict[str, Any]] = [
        {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "settings", "configMap": {"name": order.name}},
    ]
    mounts = [
        {"name": "tmp", "mountPath": python.HOME},
        {"name": "settings", "mountPath": protocol.SETTINGS_FOLDER, "readOnly": True},
    ]
    if order.settings.headers:
        volumes.append({"name": "headers", "secret": {"secretName": order.name}})
        mounts.append({"name": "headers", "mountPath": protocol.HEADERS_FOLDER, "readOnly": True})
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": python.UID,
            "runAsGroup": python.UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": contract.LOADTEST,
                "image": order.image,
                "resources": {
                    "requests": {"cpu": f"{MILLICORES * processes}m", "memory": memory},
                    # A core for each process that sends and one for the one that records: a tighter quota would be
                    # met in bursts and show as starts that are late.
                    "limits": {"cpu": str(processes + 1), "memory": memory},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": mounts,
            }
        ],
        "volumes": volumes,
    }
