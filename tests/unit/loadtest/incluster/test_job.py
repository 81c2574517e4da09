"""The Job as Kubernetes gets it: restricted, bounded, tried once, and with the very settings of the run."""

import base64
import gzip
import json
from typing import Any

import pytest
from pydantic import SecretStr

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


GIVEN = "0123456789abcdef"
ASKING = ORDER.model_copy(
    update={"settings": SETTINGS.model_copy(update={"headers": {"Authorization": SecretStr(f"Bearer {GIVEN}")}})}
)


def test_values_of_headers_are_in_the_secret_and_nowhere_else() -> None:
    secret = job.headers(ASKING)
    assert secret is not None
    assert secret["kind"] == "Secret"
    assert secret["metadata"]["namespace"] == job.NAMESPACE
    assert json.loads(secret["stringData"][protocol.HEADERS_FILE]) == {"Authorization": f"Bearer {GIVEN}"}
    settings = gzip.decompress(base64.b64decode(job.settings(ASKING)["binaryData"][protocol.SETTINGS_FILE]))
    encoded = base64.b64encode(GIVEN.encode()).decode()
    for text in (json.dumps(job.job(ASKING)), json.dumps(job.settings(ASKING)), settings.decode(), repr(ASKING)):
        assert GIVEN not in text
        assert encoded not in text


def test_the_pod_finds_the_headers_where_it_looks_for_them_and_waits_while_they_are_missing() -> None:
    pod = job.job(ASKING)["spec"]["template"]["spec"]
    volume = next(one for one in pod["volumes"] if one["name"] == "headers")
    assert volume == {"name": "headers", "secret": {"secretName": ASKING.name}}
    mounts = {mount["name"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts["headers"] == {"name": "headers", "mountPath": protocol.HEADERS_FOLDER, "readOnly": True}


def test_a_run_without_headers_has_no_secret() -> None:
    assert job.headers(ORDER) is None
    assert "secret" not in json.dumps(job.job(ORDER))


def test_what_belongs_to_the_job_goes_with_it_and_is_else_as_it_was() -> None:
    settings = job.settings(ORDER)
    owned = job.owned(settings, ORDER, "uid-1")
    (owner,) = owned["metadata"].pop("ownerReferences")
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Job", ORDER.name, "uid-1")
    assert owned == settings == job.settings(ORDER)
