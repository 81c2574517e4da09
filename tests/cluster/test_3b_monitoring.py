"""Monitoring in the cluster, and the autoscaler that lives on it: a spike brings pods in time and loses no request."""

import json
import time
from typing import Any

import httpx
import pytest

from lookout import contract
from service.model import photos
from tests.cluster.road import Road, wait_until
from tests.cluster.spike import clients, watched

# After everything that counts production's pods (3_ sorts before 3b): a spike leaves more of them for a minute.
pytestmark = pytest.mark.cluster
PHOTO = photos.sample_photos()["chelsea"]
API = "/apis/custom.metrics.k8s.io/v1beta2"
PROD = contract.namespace(contract.PRODUCTION)


def metric(road: Road) -> dict[str, int]:
    """Requests in flight, in thousandths, by pod of production, as the autoscaler is told."""
    answer = json.loads(road.kubectl("get", "--raw", f"{API}/namespaces/{PROD}/pods/*/{contract.METRIC_AUTOSCALING}"))
    values = {item["describedObject"]["name"]: item["value"] for item in answer["items"]}
    return {
        name: int(value[:-1]) if value.endswith("m") else round(float(value) * 1000) for name, value in values.items()
    }


def query(road: Road, expression: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{door(road)}/api/v1/query", params={"query": expression}, timeout=10)
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def door(road: Road) -> str:
    return f"http://127.0.0.1:{road.doors['prometheus']}"


def prod_pods(road: Road) -> set[str]:
    selector = f"--selector=app.kubernetes.io/name={contract.DETECTOR}"
    return {pod["metadata"]["name"] for pod in road.get("pods", f"--namespace={PROD}", selector)["items"]}


def test_monitoring_comes_from_git_and_is_healthy(road: Road) -> None:
    application = road.get("application", contract.MONITORING, f"--namespace={contract.ARGOCD_NAMESPACE}")
    assert application["status"]["sync"]["revision"] == road.git("rev-parse", "HEAD")
    assert (application["status"]["sync"]["status"], application["status"]["health"]["status"]) == ("Synced", "Healthy")


def test_prometheus_door_opens_to_this_machine_and_to_no_web_page_elsewhere(road: Road) -> None:
    assert httpx.get(f"{door(road)}/-/ready").status_code == 200
    assert httpx.get(f"{door(road)}/-/ready", headers={"host": "rebound.example"}).status_code == 403


def test_every_detector_is_scraped_and_every_rule_works(road: Road) -> None:
    seen = {item["metric"]["environment"] for item in query(road, 'up{job="detector"} == 1')}
    assert seen == set(contract.ENVIRONMENTS)
    rules = httpx.get(f"{door(road)}/api/v1/rules", timeout=10).json()["data"]["groups"]
    health = {rule["name"]: (rule["health"], rule.get("lastError")) for group in rules for rule in group["rules"]}
    assert health
    assert [found for found in health.values() if found[0] != "ok"] == []


def test_the_metrics_api_is_trusted_by_its_certificate_and_knows_every_pod(road: Road) -> None:
    api = road.get("apiservice", contract.METRICS_API)
    assert api["spec"]["caBundle"]
    assert not api["spec"].get("insecureSkipTLSVerify")
    wait_until(lambda: metric(road).keys() == prod_pods(road), 30, "the metric is there for every pod of prod")


def test_a_spike_brings_another_pod_within_30_seconds_and_costs_no_request(road: Road) -> None:
    autoscaler = road.get("horizontalpodautoscaler", contract.DETECTOR, f"--namespace={PROD}")
    floor = autoscaler["spec"]["minReplicas"]
    wait_until(lambda: len(prod_pods(road)) == floor, 150, "prod is at its floor before the spike")
    with watched(road.kubeconfig) as pods:
        began = pods.now_s
        with clients(road.url(contract.PRODUCTION, contract.DETECT_PATH), PHOTO, 5) as spike:
            wait_until(lambda: pods.first(floor + 1, began) is not None, 45, "another pod is ready")
            time.sleep(3)  # with the new pod taking its share
        busiest = metric(road)
    took = pods.first(floor + 1, began)
    print(
        f"{floor} → {floor + 1} pods ready {took:.1f} s after the spike began; {len(spike.answers)} requests, {busiest}"
    )
    assert took is not None
    assert took <= 30
    assert spike.failed == []
    assert len(spike.answers) > 100
    assert min(ready for _, ready, _ in pods.seen) >= floor
