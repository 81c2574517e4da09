"""The Job as Kubernetes gets it: restricted, bounded, tried once, and with the very settings of the run."""

import base64
import gzip
from typing import Any

import pytest

from loadtest import image
from loadtest.arrivals import Poisson, Replay
from loadtest.incluster import job, protocol
from loadtest.settings import LoadSettings
from lookout.errors import LookoutError

SETTINGS = LoadSettings(
    url="http://detector.lookout-staging.svc.cluster.local:80",
    arrivals=Poisson(rate=50),
    duration_s=60,
    seed=7,
    timeout_s=20,
    processes=2,
)
ORDER = job.Order(name="load-1", image="registry.lookout.internal:5000/loadtest@sha256:0", settings=SETTINGS)


def _pod() -> dict[str, Any]:
    spec: dict[str, Any] = job.job(ORDER)["spec"]["template"]["spec"]
    return spec


def test_pod_security_restricted_is_enforced_and_met() -> None:
    assert job.namespace()["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = _pod()
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == image.config().user


def test_one_attempt_that_ends_by_itself_and_is_cleared_away() -> None:
    spec = job.job(ORDER)["spec"]
    assert spec["backoffLimit"] == 0
    assert _pod()["restartPolicy"] == "Never"
    assert spec["activeDeadlineSeconds"] > SETTINGS.duration_s + SETTINGS.timeout_s + protocol.FETCH_WITHIN_S
    assert 0 < spec["ttlSecondsAfterFinished"] <= 3600


def test_requests_and_limits_follow_the_processes() -> None:
    resources = _pod()["containers"][0]["resources"]
    assert resources["requests"]["cpu"] == f"{2 * job.MILLICORES}m"
    assert resources["limits"]["cpu"] == "3"
    assert resources["requests"]["memory"] == resources["limits"]["memory"]


def test_the_settings_arrive_as_they_were_meant() -> None:
    data = job.settings(ORDER)["binaryData"][protocol.SETTINGS_FILE]
    text = gzip.decompress(base64.b64decode(data))
    assert LoadSettings.model_validate_json(text) == SETTINGS
    mounts = {mount["name"]: mount["mountPath"] for mount in _pod()["containers"][0]["volumeMounts"]}
    assert mounts["settings"] == protocol.SETTINGS_FOLDER
    assert protocol.RESULT_FILE.startswith(f"{mounts['tmp']}/")


def test_a_trace_that_no_object_of_the_cluster_holds_is_refused() -> None:
    times = tuple(((i * 2_654_435_761) % 2**32) / 2**32 * 3600 for i in range(200_000))
    long = SETTINGS.model_copy(update={"arrivals": Replay(trace="day.txt", times_s=times)})
    with pytest.raises(LookoutError, match="MB compressed"):
        job.settings(ORDER.model_copy(update={"settings": long}))


def test_the_settings_go_with_the_job() -> None:
    owner = job.owner(ORDER, "uid-1")
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Job", ORDER.name, "uid-1")
