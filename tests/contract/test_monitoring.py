"""Monitoring as it is in git: what it may do, how it runs, and names of the contract that it repeats."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops import alert_rules, render
from gitops.render import Manifest
from infra.node import images
from infra.platform.monitoring import rights
from lookout import contract, paths
from tests.contract.conftest import one

_CONFIG = paths.PROJECT_ROOT / "gitops/config"
_PODS = pytest.mark.parametrize("name", [contract.PROMETHEUS, contract.METRICS_ADAPTER])


@pytest.fixture(scope="module")
def objects() -> list[Manifest]:
    built = render.build(_CONFIG / contract.MONITORING)
    return [document for document in yaml.safe_load_all(built) if document]


@pytest.fixture(scope="module")
def application_set() -> dict[str, Any]:
    return _load("applicationsets/monitoring.yaml")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return _load("projects/monitoring.yaml")


def test_the_project_allows_exactly_the_kinds_and_namespaces_that_are_used(
    project: dict[str, Any], objects: list[Manifest]
) -> None:
    assert project["metadata"]["name"] == contract.MONITORING
    namespaced = {_kind(item) for item in objects if "namespace" in item["metadata"]}
    assert {_entry(entry) for entry in project["spec"]["namespaceResourceWhitelist"]} == namespaced
    of_the_cluster = {_kind(item) for item in objects if "namespace" not in item["metadata"]} | {("", "Namespace")}
    assert {_entry(entry) for entry in project["spec"]["clusterResourceWhitelist"]} == of_the_cluster
    used = {item["metadata"]["namespace"] for item in objects if "namespace" in item["metadata"]}
    assert {destination["namespace"] for destination in project["spec"]["destinations"]} == used
    assert used == {contract.MONITORING_NAMESPACE}
    assert project["spec"]["sourceRepos"] == []


def test_the_project_may_bind_no_role_and_the_stack_binds_what_is_needed(
    project: dict[str, Any], objects: list[Manifest]
) -> None:
    allowed = project["spec"]["namespaceResourceWhitelist"] + project["spec"]["clusterResourceWhitelist"]
    assert not [entry for entry in allowed if entry["group"] == "rbac.authorization.k8s.io"]
    account = one(objects, "ServiceAccount", contract.METRICS_ADAPTER)["metadata"]
    bindings = [document for document in rights() if "Binding" in document["kind"]]
    assert len(bindings) == 3
    for binding in bindings:
        (subject,) = binding["subjects"]
        assert (subject["name"], subject["namespace"]) == (account["name"], account["namespace"])
    (role,) = [document for document in rights() if document not in bindings]
    (rule,) = role["rules"]
    assert rule["resourceNames"] == [one(objects, "APIService", contract.METRICS_API)["metadata"]["name"]]
    assert rule["verbs"] == ["patch"]


def test_it_exists_where_the_stack_names_its_images(application_set: dict[str, Any]) -> None:
    (generator,) = application_set["spec"]["generators"]
    assert generator["clusters"]["selector"]["matchExpressions"] == [
        {"key": contract.MONITORING_LABEL, "operator": "Exists"}
    ]
    template = application_set["spec"]["template"]
    assert template["metadata"]["name"] == contract.MONITORING
    assert template["spec"]["project"] == contract.MONITORING
    assert template["spec"]["source"]["path"] == contract.MONITORING
    assert template["spec"]["destination"]["namespace"] == contract.MONITORING_NAMESPACE
    annotations = {
        contract.PROMETHEUS: contract.PROMETHEUS_IMAGE_ANNOTATION,
        contract.METRICS_ADAPTER: contract.METRICS_ADAPTER_IMAGE_ANNOTATION,
    }
    assert template["spec"]["source"]["kustomize"]["images"] == [
        f'{image}={{{{ index .metadata.annotations "{key}" }}}}' for image, key in annotations.items()
    ]
    assert application_set["spec"]["goTemplateOptions"] == ["missingkey=error"]


@_PODS
def test_pods_meet_pod_security_restricted(objects: list[Manifest], name: str) -> None:
    pod = one(objects, "Deployment", name)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == images.NOBODY
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        assert container["image"] == name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"].keys() >= {"memory"}
    assert all(set(volume) <= {"name", "emptyDir", "configMap"} for volume in pod["volumes"])
    assert all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume)


def test_it_asks_for_little(objects: list[Manifest]) -> None:
    """tests/contract/test_manifests.py counts on this much of a two-core node."""
    requests = [
        container["resources"]["requests"]["cpu"]
        for name in (contract.PROMETHEUS, contract.METRICS_ADAPTER)
        for container in one(objects, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    ]
    assert sum(int(cpu.removesuffix("m")) for cpu in requests) <= 70


def test_prometheus_has_no_rights_and_keeps_what_fits_its_disk(objects: list[Manifest]) -> None:
    pod = one(objects, "Deployment", contract.PROMETHEUS)["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert contract.PROMETHEUS not in [subject["name"] for item in rights() for subject in item.get("subjects", ())]
    assert "--storage.tsdb.retention.size=512MB" in pod["containers"][0]["args"]
    (data,) = (volume["emptyDir"] for volume in pod["volumes"] if volume["name"] == "data")
    assert data["sizeLimit"] == "1Gi"


def test_the_api_trusts_one_certificate_and_no_key_is_in_git(objects: list[Manifest]) -> None:
    api = one(objects, "APIService", contract.METRICS_API)
    assert "insecureSkipTLSVerify" not in api["spec"]
    assert "caBundle" not in api["spec"]
    assert not [item for item in objects if item["kind"] == "Secret"]
    (first,) = one(objects, "Deployment", contract.METRICS_ADAPTER)["spec"]["template"]["spec"]["initContainers"]
    assert f"-apiservice={api['metadata']['name']}" in first["args"]
    assert f"-service={contract.METRICS_ADAPTER}.{contract.MONITORING_NAMESPACE}" in first["args"]


def test_services_lead_to_the_pods_under_the_contracts_names(objects: list[Manifest]) -> None:
    prometheus = one(objects, "Service", contract.PROMETHEUS)["spec"]
    assert [port["port"] for port in prometheus["ports"]] == [contract.PROMETHEUS_PORT]
    api = one(objects, "APIService", contract.METRICS_API)["spec"]["service"]
    assert (api["name"], api["namespace"]) == (contract.METRICS_ADAPTER, contract.MONITORING_NAMESPACE)
    for name in (contract.PROMETHEUS, contract.METRICS_ADAPTER):
        labels = one(objects, "Deployment", name)["spec"]["template"]["metadata"]["labels"]
        assert one(objects, "Service", name)["spec"]["selector"].items() <= labels.items()


def test_every_environment_is_scraped_by_a_name_that_leads_to_all_its_pods(
    rendered: dict[str, list[Manifest]],
) -> None:
    (job,) = _load("monitoring/prometheus/prometheus.yaml")["scrape_configs"]
    (search,) = job["dns_sd_configs"]
    names = []
    for environment in contract.ENVIRONMENTS:
        service = one(rendered[environment], "Service", "detector-pods")
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["publishNotReadyAddresses"] is True
        assert (
            service["spec"]["selector"] == one(rendered[environment], "Deployment")["spec"]["selector"]["matchLabels"]
        )
        names.append(f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc")
    assert search["names"] == names
    assert search["port"] == contract.CONTAINER_PORT
    for rule in job["relabel_configs"]:
        found = re.fullmatch(rule["regex"], names[0])
        assert found
        assert found.expand(rule["replacement"].replace("$", "\\")) in (contract.ENVIRONMENTS[0], "lookout-dev")


def test_an_environment_shows_monitoring_its_pods_and_nothing_else(rendered: dict[str, list[Manifest]]) -> None:
    for objects in rendered.values():
        (rule,) = one(objects, "Role", "monitoring-reads-pods")["rules"]
        assert rule == {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
        (subject,) = one(objects, "RoleBinding", "monitoring-reads-pods")["subjects"]
        assert (subject["name"], subject["namespace"]) == (contract.METRICS_ADAPTER, contract.MONITORING_NAMESPACE)


def test_the_metric_of_the_autoscaler_is_the_one_that_is_recorded() -> None:
    (rule,) = _load("monitoring/adapter/metrics.yaml")["rules"]
    assert rule["seriesQuery"].startswith(f"{alert_rules.IN_FLIGHT}{{")
    assert rule["name"]["as"] == contract.METRIC_AUTOSCALING
    (recorded,) = next(group for group in _rules()["groups"] if group["name"] == "autoscaling")["rules"]
    assert recorded["record"] == alert_rules.IN_FLIGHT


def test_the_rules_in_git_are_those_of_the_contract() -> None:
    text = (_CONFIG / alert_rules.FILE).read_text()
    assert text == alert_rules.render(), f"lookout monitoring rules > gitops/config/{alert_rules.FILE}"


def test_alerts_look_at_the_slos_own_window_and_budget() -> None:
    alerts = [rule for group in _rules()["groups"] for rule in group["rules"] if "slo" in rule.get("labels", {})]
    pages = {rule["labels"]["slo"]: rule["expr"] for rule in alerts if rule["labels"].get("severity") == "page"}
    assert f"> {14.4 * contract.SLO_ERROR_RATIO:g}" in pages["errors"]
    assert f"bad_ratio{contract.SLO_ERROR_WINDOW_S // 60}m " in pages["errors"]
    assert f'le="{contract.SLO_P99_S:g}"' in pages["latency"]
    assert f"bad_ratio{contract.SLO_P99_WINDOW_S // 60}m > 0.144" in pages["latency"]
    assert (
        f"bad_ratio{contract.SLO_GOODPUT_WINDOW_S // 60}m > {14.4 * (1 - contract.SLO_GOODPUT_RATIO):.6g}"
        in (pages["goodput"])
    )


def _rules() -> dict[str, Any]:
    return _load(alert_rules.FILE)


def _load(file: str | Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_CONFIG / file).read_text())
    return loaded


def _kind(item: Manifest) -> tuple[str, str]:
    group, slash, _ = str(item["apiVersion"]).partition("/")
    return (group if slash else "", item["kind"])


def _entry(entry: dict[str, str]) -> tuple[str, str]:
    return entry["group"], entry["kind"]
