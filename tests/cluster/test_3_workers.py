"""A real worker joins the running cluster, carries a detector, fails, comes back and leaves without a trace."""

import re
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import httpx
import pytest

from infra.pools import ZONE_LABEL
from lookout import contract
from service.model import photos
from tests.cluster.road import NAME, Road, wait_until
from tests.cluster.workers import WORKER, assert_no_worker, set_workers, workers

pytestmark = pytest.mark.cluster
PROD = f"--namespace={contract.namespace('prod')}"
PHOTO = photos.sample_photos()["chelsea"]

_ASK = """
import sys, urllib.error, urllib.request
for line in sys.argv[1:]:
    method, url = line.split()
    try:
        print(urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=5).status)
    except urllib.error.HTTPError as error:
        print(error.code)
"""


@pytest.fixture(scope="module", autouse=True)
def _worker(road: Road) -> Iterator[None]:
    """The road with one worker, and without it afterwards whatever happened."""
    started = time.monotonic()
    set_workers(road, 1)
    print(f"pulumi up with a worker more: {time.monotonic() - started:.1f} s")
    yield
    if workers(road):
        set_workers(road, 0)


def pods_on(road: Road, node: str) -> list[dict[str, Any]]:
    """Prod's ready detectors on a node."""
    return [
        pod
        for pod in road.get("pods", PROD, f"--field-selector=spec.nodeName={node}")["items"]
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
        and "deletionTimestamp" not in pod["metadata"]
    ]


def ask_from(road: Road, pod: str, *requests: str) -> list[int]:
    """Statuses of requests (method and address) made inside a detector."""
    return [int(line) for line in road.kubectl("exec", pod, PROD, "--", "python3", "-c", _ASK, *requests).split()]


def test_the_worker_is_a_ready_node_of_the_real_pool_and_zone(road: Road) -> None:
    assert [(worker["name"], worker["state"]) for worker in workers(road)] == [(WORKER, "ready")]
    labels = {name: road.get("node", name)["metadata"]["labels"] for name in (NAME, WORKER)}
    assert labels[WORKER]["kubernetes.io/hostname"] == WORKER
    for key in (contract.POOL_LABEL, ZONE_LABEL):
        assert labels[WORKER][key] == labels[NAME][key]


def test_no_join_token_outlives_the_join(road: Road) -> None:
    tokens = road.get("secrets", "--namespace=kube-system", "--field-selector=type=bootstrap.kubernetes.io/token")
    descriptions = [token["data"].get("description") for token in tokens["items"]]
    assert len(descriptions) <= 1, "kubeadm init makes one; each join's is deleted"
    written = [*(road.kubeconfig.parent / "workers" / "1" / "logs").glob("*"), *(road.state / "lookout/logs").glob("*")]
    assert any(file.name == "kubeadm.log" for file in written)
    for file in written:
        assert not re.search(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b", file.read_text(errors="replace")), file


def test_a_replaced_detector_goes_to_the_worker_and_answers_from_there(road: Road) -> None:
    road.kubectl("delete", PROD, "--wait=false", f"pod/{pods_on(road, NAME)[0]['metadata']['name']}")
    took = wait_until(lambda: bool(pods_on(road, WORKER) and pods_on(road, NAME)), 60, "detectors on both nodes")
    print(f"detector on the worker after {took:.1f} s, its image pulled")
    pod = pods_on(road, WORKER)[0]
    assigned = IPv4Network(road.get("node", WORKER)["spec"]["podCIDR"])
    assert IPv4Address(pod["status"]["podIP"]) in assigned
    url = f"http://{pod['status']['podIP']}:{contract.CONTAINER_PORT}{contract.DETECT_PATH}"
    straight = httpx.post(url, content=PHOTO, headers={"content-type": "image/jpeg"}, timeout=30)
    assert straight.json()["detections"][0]["label"] == "cat"
    through = [httpx.get(road.url("prod", contract.READINESS_PATH), timeout=10).status_code for _ in range(30)]
    assert set(through) == {200}
    assert "ready" in road.kubectl("logs", pod["metadata"]["name"], PROD)


@pytest.mark.parametrize("node", [WORKER, NAME])
def test_services_and_names_work_from_pods_of_any_node_and_the_registry_from_none(road: Road, node: str) -> None:
    pod = pods_on(road, node)[0]["metadata"]["name"]
    services = [
        f"GET http://{contract.DETECTOR}.{contract.namespace(name)}.svc.cluster.local{contract.READINESS_PATH}"
        for name in contract.ENVIRONMENTS
    ]
    registry = f"http://{road.spec.address}:{contract.DOORS['registry']}/v2/"
    statuses = ask_from(road, pod, *services, f"GET {registry}", f"POST {registry}detector/blobs/uploads/")
    assert statuses == [200] * len(services) + [403, 403]


@pytest.mark.parametrize("node", [WORKER, NAME])
def test_services_outlive_a_full_sync_of_kube_proxy(road: Road, node: str) -> None:
    """It makes one when its node's zone changes, and once an hour."""
    label = f"{ZONE_LABEL}={{}}"
    road.kubectl("label", "node", node, "--overwrite", label.format("elsewhere"))
    time.sleep(2)
    road.kubectl("label", "node", node, "--overwrite", label.format(NAME))
    time.sleep(2)
    url = f"http://{contract.DETECTOR}.{contract.namespace('dev')}.svc.cluster.local{contract.READINESS_PATH}"
    assert ask_from(road, pods_on(road, node)[0]["metadata"]["name"], f"GET {url}") == [200]


def test_the_worker_itself_reads_the_registry_and_cannot_write(road: Road) -> None:
    registry = f"http://{road.spec.address}:{contract.DOORS['registry']}/v2/"
    ask = ["python3", "-c", _ASK, f"GET {registry}", f"POST {registry}detector/blobs/uploads/"]
    assert road.lookout("node", "shell", "--worker", WORKER, "--", *ask).stdout.split() == ["200", "403"]


def test_a_stopped_worker_comes_back_with_its_pods(road: Road) -> None:
    started = time.monotonic()
    road.lookout("node", "stop-worker", WORKER)
    stopped_s = time.monotonic() - started
    assert [worker["state"] for worker in workers(road)] == ["stopped"]
    started = time.monotonic()
    road.lookout("node", "start-worker", WORKER)
    back_s = time.monotonic() - started
    assert [worker["state"] for worker in workers(road)] == ["ready"]
    again_s = wait_until(lambda: bool(pods_on(road, WORKER)), 60, "its detector is ready again")
    print(f"worker stopped in {stopped_s:.1f} s, Ready {back_s:.1f} s after start, detector {again_s:.1f} s later")


def test_a_worker_that_is_not_there_is_refused_with_the_names_that_are(road: Road) -> None:
    refused = road.lookout("node", "stop-worker", "nobody", check=False)
    assert refused.returncode == 64
    assert WORKER in refused.stderr


def test_a_worker_that_stands_still_is_taken_out_without_a_trace(road: Road) -> None:
    """Soak tests take a living one out, which is drained first, and interrupt a join."""
    road.lookout("node", "stop-worker", WORKER)
    started = time.monotonic()
    set_workers(road, 0)
    print(f"pulumi up with a worker less: {time.monotonic() - started:.1f} s")
    assert_no_worker(road)
