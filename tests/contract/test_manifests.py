"""The production checklist, line by line, on the manifests of every environment."""

from typing import Any

import pytest
import yaml

from gitops.render import Manifest
from lookout import contract, paths
from lookout.preflight import MINIMUM_MEMORY_BYTES
from service import settings as service_settings
from service.memory import needed
from tests.contract.conftest import ARTIFACT, one

Rendered = dict[str, list[Manifest]]

_EVERY = pytest.mark.parametrize("environment", contract.ENVIRONMENTS)

# What is left of a two-core node beside kubeadm's control plane and one CoreDNS (750m), Argo CD (40m), and Prometheus
# with its adapter (70m); and a tenth of a core for whatever somebody looks with.
_DETECTOR_BUDGET_MILLICORES = 1_040
_BESIDE_DETECTORS_BYTES = 2 * 10**9
"""Control plane, Argo CD, monitoring and the kubelet's reserve: 1.5 GiB with four idle
detectors (docs/measurements.md)."""
# What uvicorn and Python need to end, once no request is left.
_CLOSING_S = 5


@_EVERY
def test_grace_period_outlasts_prestop_longest_request_and_drain(rendered: Rendered, environment: str) -> None:
    pod, container = _pod(rendered, environment)
    prestop = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    service = _settings(container)
    assert prestop >= 5
    longest = service_settings.LONGEST_REQUEST_S
    assert service.body_timeout_s < longest
    assert pod["terminationGracePeriodSeconds"] > prestop + service.drain_s + longest + _CLOSING_S


@_EVERY
def test_memory_holds_the_worst_the_service_lets_in(rendered: Rendered, environment: str) -> None:
    _, container = _pod(rendered, environment)
    service, memory = _settings(container), container["resources"]
    assert memory["requests"]["memory"] == memory["limits"]["memory"] == "1Gi"
    assert service.threads is not None
    assert needed(service, service.threads, service.runtime or "openvino-int8") <= 1024**3


@_EVERY
def test_probes_ask_what_they_mean(rendered: Rendered, environment: str) -> None:
    _, container = _pod(rendered, environment)
    assert container["startupProbe"]["httpGet"]["path"] == contract.READINESS_PATH
    assert container["readinessProbe"]["httpGet"]["path"] == contract.READINESS_PATH
    assert container["livenessProbe"]["httpGet"]["path"] == contract.LIVENESS_PATH
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert ports[container[probe]["httpGet"]["port"]] == contract.CONTAINER_PORT


@_EVERY
def test_startup_has_a_minute_and_liveness_is_slower_than_readiness(rendered: Rendered, environment: str) -> None:
    _, container = _pod(rendered, environment)
    assert _patience_s(container["startupProbe"]) >= 60
    assert _patience_s(container["livenessProbe"]) > 4 * _patience_s(container["readinessProbe"])


@_EVERY
def test_a_rollout_never_drops_below_the_replicas(rendered: Rendered, environment: str) -> None:
    deployment = one(rendered[environment], "Deployment")
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert deployment["spec"]["minReadySeconds"] >= 1
    assert deployment["spec"]["revisionHistoryLimit"] >= 2


@_EVERY
def test_a_drain_can_always_finish_and_leaves_a_pod_where_there_are_two(rendered: Rendered, environment: str) -> None:
    budget = one(rendered[environment], "PodDisruptionBudget")["spec"]
    deployment = one(rendered[environment], "Deployment")["spec"]
    assert "minAvailable" not in budget
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == deployment["selector"]


def test_production_never_has_fewer_than_two_replicas(rendered: Rendered) -> None:
    """The disruption budget takes one away; one is left."""
    assert _replicas(rendered, contract.PRODUCTION)[0] >= 2


@_EVERY
def test_replicas_are_set_either_by_git_or_by_an_autoscaler(rendered: Rendered, environment: str) -> None:
    """Both would undo each other (argoproj/argo-cd#5105)."""
    fixed = "replicas" in one(rendered[environment], "Deployment")["spec"]
    assert fixed != bool(_autoscalers(rendered, environment))


@_EVERY
def test_an_autoscaler_follows_requests_in_flight_and_waits_longer_than_a_cold_start(
    rendered: Rendered, environment: str
) -> None:
    for autoscaler in _autoscalers(rendered, environment):
        spec = autoscaler["spec"]
        target = one(rendered[environment], "Deployment")
        assert spec["scaleTargetRef"] == {
            "apiVersion": target["apiVersion"],
            "kind": target["kind"],
            "name": target["metadata"]["name"],
        }
        assert [metric["pods"]["metric"]["name"] for metric in spec["metrics"]] == [contract.METRIC_AUTOSCALING]
        assert spec["minReplicas"] < spec["maxReplicas"]
        _, container = _pod(rendered, environment)
        assert spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0
        assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] >= _patience_s(container["startupProbe"])


def test_the_autoscaler_is_production_s() -> None:
    """Elsewhere a fixed number: two cores would not hold three environments at their maximum."""
    for environment in contract.ENVIRONMENTS:
        file = paths.PROJECT_ROOT / "gitops/config" / contract.CONFIG_ENVS / environment / contract.SCALING_FILE
        assert ("$patch: delete" in file.read_text()) == (environment != contract.PRODUCTION)


@_EVERY
def test_replicas_spread_over_nodes_they_may_use(rendered: Rendered, environment: str) -> None:
    pod, _ = _pod(rendered, environment)
    spread = {item["topologyKey"]: item for item in pod["topologySpreadConstraints"]}
    assert set(spread) == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    labels = one(rendered[environment], "Deployment")["spec"]["template"]["metadata"]["labels"]
    for item in spread.values():
        assert item["whenUnsatisfiable"] == "ScheduleAnyway"
        assert item["nodeTaintsPolicy"] == "Honor"
        assert item["labelSelector"]["matchLabels"].items() <= labels.items()


@_EVERY
def test_pods_of_a_node_that_is_gone_are_replaced_within_half_a_minute(rendered: Rendered, environment: str) -> None:
    pod, _ = _pod(rendered, environment)
    patience_s = {item["key"]: item["tolerationSeconds"] for item in pod["tolerations"]}
    assert set(patience_s) == {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}
    assert all(5 <= seconds <= 30 for seconds in patience_s.values())


@_EVERY
def test_resources_are_bounded(rendered: Rendered, environment: str) -> None:
    _, container = _pod(rendered, environment)
    requests, limits = container["resources"]["requests"], container["resources"]["limits"]
    assert requests["memory"] == limits["memory"]
    assert requests["ephemeral-storage"] == limits["ephemeral-storage"]
    assert "cpu" in requests
    assert "cpu" not in limits


@_EVERY
def test_threads_are_set_where_no_quota_bounds_them(rendered: Rendered, environment: str) -> None:
    _, container = _pod(rendered, environment)
    assert _settings(container).threads is not None


def test_all_environments_fit_on_two_cores_even_when_all_roll_at_once(rendered: Rendered) -> None:
    total = 0
    for environment in contract.ENVIRONMENTS:
        spec = one(rendered[environment], "Deployment")["spec"]
        _, container = _pod(rendered, environment)
        pods = _replicas(rendered, environment)[1] + spec["strategy"]["rollingUpdate"]["maxSurge"]
        total += pods * _millicores(container["resources"]["requests"]["cpu"])
    assert total <= _DETECTOR_BUDGET_MILLICORES


def test_all_environments_fit_into_the_memory_that_a_machine_must_have(rendered: Rendered) -> None:
    total = 0
    for environment in contract.ENVIRONMENTS:
        spec = one(rendered[environment], "Deployment")["spec"]
        _, container = _pod(rendered, environment)
        pods = _replicas(rendered, environment)[1] + spec["strategy"]["rollingUpdate"]["maxSurge"]
        total += pods * _bytes(container["resources"]["requests"]["memory"])
    assert total <= MINIMUM_MEMORY_BYTES - _BESIDE_DETECTORS_BYTES


@_EVERY
def test_pods_meet_pod_security_restricted(rendered: Rendered, environment: str) -> None:
    pod, container = _pod(rendered, environment)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] != 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all(set(volume) <= {"name", "emptyDir"} for volume in pod["volumes"])


@_EVERY
def test_only_tmp_is_writable_and_it_is_bounded(rendered: Rendered, environment: str) -> None:
    pod, container = _pod(rendered, environment)
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]  # noqa: S108  # inside the container
    assert pod["volumes"][0]["emptyDir"].keys() == {"medium", "sizeLimit"}
    assert pod["volumes"][0]["emptyDir"]["medium"] == "Memory"  # no byte of a photo reaches a disk


@_EVERY
def test_pods_have_no_service_account_token(rendered: Rendered, environment: str) -> None:
    pod, _ = _pod(rendered, environment)
    assert pod["automountServiceAccountToken"] is False
    assert (
        one(rendered[environment], "ServiceAccount", pod["serviceAccountName"])["automountServiceAccountToken"] is False
    )


@_EVERY
def test_network_is_denied_but_for_requests_to_the_detector(rendered: Rendered, environment: str) -> None:
    deny = one(rendered[environment], "NetworkPolicy", "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    allowed = [item["spec"] for item in rendered[environment] if item["kind"] == "NetworkPolicy"]
    allowed.remove(deny)
    _, container = _pod(rendered, environment)
    assert [rule["ports"] for policy in allowed for rule in policy["ingress"]] == [
        [{"port": container["ports"][0]["name"], "protocol": "TCP"}]
    ]
    assert not any("egress" in policy for policy in allowed)


@_EVERY
def test_images_are_named_by_digest(rendered: Rendered, environment: str) -> None:
    pod, container = _pod(rendered, environment)
    assert container["image"] == ARTIFACT.image
    assert len(pod["containers"]) == 1
    assert "initContainers" not in pod


@_EVERY
def test_deployment_and_pods_say_which_bento_and_model_they_are(rendered: Rendered, environment: str) -> None:
    deployment = one(rendered[environment], "Deployment")
    expected = {contract.BENTO_ANNOTATION: ARTIFACT.bento, contract.MODEL_ANNOTATION: ARTIFACT.model}
    assert deployment["metadata"]["annotations"] == expected
    assert deployment["spec"]["template"]["metadata"]["annotations"] == expected


@_EVERY
def test_every_object_is_in_the_environments_namespace_and_labelled(rendered: Rendered, environment: str) -> None:
    for item in rendered[environment]:
        assert item["metadata"]["namespace"] == contract.namespace(environment)
        assert item["metadata"]["labels"][contract.ENVIRONMENT_LABEL] == environment


@_EVERY
def test_the_service_leads_to_the_pods(rendered: Rendered, environment: str) -> None:
    service = one(rendered[environment], "Service")["spec"]
    deployment = one(rendered[environment], "Deployment")["spec"]
    _, container = _pod(rendered, environment)
    assert [(port["port"], port["targetPort"]) for port in service["ports"]] == [
        (contract.SERVICE_PORT, container["ports"][0]["name"])
    ]
    assert service["selector"] == deployment["selector"]["matchLabels"]
    assert service["selector"].items() <= deployment["template"]["metadata"]["labels"].items()


@_EVERY
def test_every_setting_is_one_that_the_service_knows_and_takes(rendered: Rendered, environment: str) -> None:
    _, container = _pod(rendered, environment)
    known = {service_settings.PREFIX + name.upper() for name in service_settings.Settings.model_fields}
    assert {variable["name"] for variable in container["env"]} <= known
    _settings(container)


def test_environments_differ_in_version_settings_and_scaling_alone() -> None:
    texts = set()
    for environment in contract.ENVIRONMENTS:
        text = (
            paths.PROJECT_ROOT / "gitops/config" / contract.CONFIG_ENVS / environment / "kustomization.yaml"
        ).read_text()
        files = [patch["path"] for patch in yaml.safe_load(text)["patches"]]
        assert files == [contract.VERSION_FILE, contract.SETTINGS_FILE, contract.SCALING_FILE]
        own = {contract.namespace(environment): "NAMESPACE", f"{contract.ENVIRONMENT_LABEL}: {environment}": "LABEL"}
        for name, general in own.items():
            assert name in text
            text = text.replace(name, general)
        texts.add(text)
    assert len(texts) == 1


def _pod(rendered: Rendered, environment: str) -> tuple[dict[str, Any], dict[str, Any]]:
    pod = one(rendered[environment], "Deployment")["spec"]["template"]["spec"]
    return pod, next(container for container in pod["containers"] if container["name"] == contract.DETECTOR)


def _autoscalers(rendered: Rendered, environment: str) -> list[Manifest]:
    return [item for item in rendered[environment] if item["kind"] == "HorizontalPodAutoscaler"]


def _replicas(rendered: Rendered, environment: str) -> tuple[int, int]:
    """The fewest and the most pods that git lets an environment have."""
    for autoscaler in _autoscalers(rendered, environment):
        return autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]
    fixed = one(rendered[environment], "Deployment")["spec"]["replicas"]
    return fixed, fixed


def _settings(container: dict[str, Any]) -> service_settings.Settings:
    return service_settings.from_environment({item["name"]: item["value"] for item in container["env"]})


def _patience_s(probe: dict[str, Any]) -> int:
    return int(probe["periodSeconds"] * probe["failureThreshold"])


def _bytes(quantity: str) -> int:
    assert quantity.endswith("Gi")
    return int(quantity.removesuffix("Gi")) * 2**30


def _millicores(quantity: str) -> int:
    return int(quantity[:-1]) if quantity.endswith("m") else int(float(quantity) * 1000)
