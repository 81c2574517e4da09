"""The measured pods are the environment's, in a namespace of their own; and how many a machine would hold."""

import copy
from typing import Any

import pytest

from loadtest.capacity import overlay, room
from lookout import contract
from lookout.errors import LookoutError
from service.settings import from_environment

Object = dict[str, Any]
LABELS = {"app.kubernetes.io/name": "detector", contract.ENVIRONMENT_LABEL: "prod"}


def environment() -> list[Object]:
    """What kustomize renders, cut down."""
    container = {
        "name": "detector",
        "image": "registry.lookout.internal:5000/detector@sha256:ab",
        "env": [{"name": "LOOKOUT_THREADS", "value": "1"}],
        "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }
    pod = {"containers": [container], "terminationGracePeriodSeconds": 75, "topologySpreadConstraints": []}
    meta = {"name": "detector", "namespace": "lookout-prod", "labels": dict(LABELS)}
    spec = {
        "selector": {"matchLabels": dict(LABELS)},
        "template": {"metadata": {"labels": dict(LABELS)}, "spec": pod},
    }
    return [
        {"kind": "Deployment", "metadata": copy.deepcopy(meta), "spec": spec},
        {"kind": "Service", "metadata": copy.deepcopy(meta), "spec": {"selector": dict(LABELS)}},
        {"kind": "HorizontalPodAutoscaler", "metadata": copy.deepcopy(meta), "spec": {}},
        {"kind": "PodDisruptionBudget", "metadata": copy.deepcopy(meta), "spec": {}},
    ]


def deployment(objects: list[Object]) -> Object:
    spec: Object = next(item for item in objects if item["kind"] == "Deployment")["spec"]
    return spec


def test_nothing_but_the_command_sets_the_number_of_pods() -> None:
    found = overlay.objects(environment(), "here/detector@sha256:ab", 3, 200)
    assert {item["kind"] for item in found} == {"Deployment", "Service"}
    assert deployment(found)["replicas"] == 3


def test_image_settings_and_memory_stay_and_the_share_is_limited() -> None:
    found = overlay.objects(environment(), "here/detector@sha256:ab", 1, 200)
    one = overlay.container(found)
    assert one["image"] == "here/detector@sha256:ab"
    assert {"name": "LOOKOUT_THREADS", "value": "1"} in one["env"]
    assert one["resources"]["limits"] == {"memory": "1Gi", "cpu": "200m"}
    assert room.quantity(one["resources"]["requests"]["cpu"]) < room.quantity("200m")
    free = overlay.container(overlay.objects(environment(), "x", 1, None))
    assert "cpu" not in free["resources"]["limits"]


def test_the_service_takes_its_settings_and_waits_as_long_as_it_can() -> None:
    rendered = environment()
    overlay.container(rendered)["env"].append({"name": "LOOKOUT_QUEUE_DEADLINE_S", "value": "0.5"})
    made = overlay.objects(rendered, "image", 1, 200)
    variables = {one["name"]: one["value"] for one in overlay.container(made)["env"]}
    settings = from_environment(variables)
    assert settings.threads == 1
    assert settings.queue_deadline_s == 20
    with pytest.raises(LookoutError):
        from_environment(variables | {"LOOKOUT_QUEUE_DEADLINE_S": "20.1"})


def test_everything_moves_to_the_measured_namespace_and_finds_each_other_there() -> None:
    found = overlay.objects(environment(), "x", 1, None)
    assert {item["metadata"]["namespace"] for item in found} == {overlay.NAMESPACE}
    labels = deployment(found)["template"]["metadata"]["labels"]
    service = next(item for item in found if item["kind"] == "Service")["spec"]["selector"]
    assert service.items() <= labels.items()
    assert deployment(found)["selector"]["matchLabels"].items() <= labels.items()
    assert labels[contract.ENVIRONMENT_LABEL] == "capacity"
    assert overlay.NAMESPACE not in {contract.namespace(name) for name in contract.ENVIRONMENTS}


def test_the_environments_own_objects_stay_as_they_were() -> None:
    given = environment()
    overlay.objects(given, "x", 5, 200)
    assert given == environment()


def test_the_namespace_demands_pod_security_restricted() -> None:
    assert overlay.namespace()["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(
    ("text", "value"), [("250m", 0.25), ("2", 2), ("1Gi", 1 << 30), ("1500M", 1.5e9), ("64Ki", 65536)]
)
def test_quantities_are_read_as_kubernetes_writes_them(text: str, value: float) -> None:
    assert float(room.quantity(text)) == pytest.approx(value)


def node(name: str = "here", **annotations: str) -> Object:
    allocatable = {"cpu": "2", "memory": "16Gi", "pods": "110"}
    return {
        "metadata": {"name": name, "annotations": annotations},
        "spec": {},
        "status": {"allocatable": allocatable},
    }


def pod(namespace: str, cpu: str, memory: str = "0", phase: str = "Running", on: str = "here") -> Object:
    return {
        "metadata": {"namespace": namespace},
        "spec": {"nodeName": on, "containers": [{"resources": {"requests": {"cpu": cpu, "memory": memory}}}]},
        "status": {"phase": phase},
    }


def test_a_machine_holds_what_is_left_beside_others_by_the_scarcer_resource() -> None:
    others = [pod("kube-system", "650m"), pod("lookout-dev", "100m", "1Gi"), pod("done", "1", phase="Succeeded")]
    measured = [pod("lookout-prod", "100m", "1Gi"), pod(overlay.NAMESPACE, "50m", "1Gi")]
    beside = ("lookout-prod", overlay.NAMESPACE)
    requests = {"cpu": "100m", "memory": "1Gi"}
    assert room.pods_per_machine([node()], [*others, *measured], requests, beside) == 12
    assert room.pods_per_machine([node()], [*others, *measured], {"cpu": "10m", "memory": "1Gi"}, beside) == 15


def test_simulated_nodes_hold_nothing() -> None:
    simulated = node("gpu-1", **{contract.SIMULATED_KEY: contract.SIMULATED_VALUE})
    assert room.pods_per_machine([simulated], [], {"cpu": "1"}, ()) is None
    assert room.pods_per_machine([simulated, node()], [], {"cpu": "1"}, ()) == 2
