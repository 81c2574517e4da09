"""How the control plane's cost grows with simulated nodes and pods: KWOK's nodes, the real API server and scheduler."""

import json
import os
import statistics
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from kubernetes import client, config, watch  # type: ignore[import-untyped]  # the client ships no types

from infra.clusters import simulated
from infra.node import cgroups
from infra.node.spec import NodeSpec
from infra.pools import SIMULATED_TAINT, NodePool
from lookout import contract
from tests.cluster.road import Road, wait_until

NAMESPACE = f"{contract.SIMULATED_NAMESPACE_PREFIX}growth"
POOL = NodePool(name="growth", machine_type="simulated", min=1, max=1000, cpus=8, memory="32Gi")
PROGRAMS = ("kube-apiserver", "etcd", "kube-scheduler", "kube-controller-manager", "kwok")
_WITHIN_S = 240.0
_READS = 40


class Step(NamedTuple):
    """So many simulated nodes and pods, and what they cost."""

    nodes: int
    pods: int
    placed_s: float
    """From the wish for the new pods to the last of them running."""
    scheduling_p50_ms: float
    """From a pod's appearance to its node, as a watch sees both."""
    scheduling_p99_ms: float
    read_p50_ms: float
    """One node read from the API server, one read after the other."""
    list_ms: float
    """All simulated pods listed."""
    cpu_cores: dict[str, float]
    """By program, at rest afterwards."""
    memory_mib: dict[str, float]


class Growth:
    """Simulated nodes and pods of one cluster, more of both with each step."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._api = client.CoreV1Api(config.new_client_from_config(str(road.kubeconfig)))
        self._there = 0
        road.kubectl("create", "namespace", NAMESPACE)
        road.kubectl("create", "--filename=-", input_text=yaml.safe_dump(_deployment()))

    def step(self, nodes: int, pods: int) -> Step:
        """Go to so many nodes and pods, and measure."""
        new = [simulated.node(POOL, number) for number in range(self._there, nodes)]
        self._road.kubectl("create", "--filename=-", input_text=yaml.safe_dump_all(new))
        self._there = nodes
        wait_until(lambda: self._ready_nodes() >= nodes, _WITHIN_S, f"{nodes} simulated nodes are ready")
        with _Placing(self._api) as placing:
            started = time.monotonic()
            self._road.kubectl("scale", "deployment/growth", f"--namespace={NAMESPACE}", f"--replicas={pods}")
            wait_until(lambda: self._running() >= pods, _WITHIN_S, f"{pods} simulated pods run")
            placed_s = time.monotonic() - started
        waits = sorted(placing.waits_ms())
        reads = sorted(self._read_ms() for _ in range(_READS))
        before = _spent(self._road.spec)
        time.sleep(10)
        after = _spent(self._road.spec)
        return Step(
            nodes=nodes,
            pods=pods,
            placed_s=round(placed_s, 2),
            scheduling_p50_ms=round(statistics.median(waits), 1),
            scheduling_p99_ms=round(waits[int(0.99 * (len(waits) - 1))], 1),
            read_p50_ms=round(statistics.median(reads), 2),
            list_ms=round(self._list_ms(), 1),
            cpu_cores={name: round((after[name][0] - before[name][0]) / 10, 3) for name in PROGRAMS},
            memory_mib={name: round(after[name][1] / 2**20, 1) for name in PROGRAMS},
        )

    def remove(self) -> None:
        """Take away pods and nodes again."""
        self._road.kubectl("delete", "namespace", NAMESPACE, "--wait=false", check=False)
        self._road.kubectl("delete", "nodes", f"--selector={contract.POOL_LABEL}={POOL.name}", check=False)

    def _ready_nodes(self) -> int:
        found = self._api.list_node(label_selector=f"{contract.POOL_LABEL}={POOL.name}").items
        return sum(
            any(c.type == "Ready" and c.status == "True" for c in node.status.conditions or ()) for node in found
        )

    def _running(self) -> int:
        found = self._api.list_namespaced_pod(NAMESPACE, field_selector="status.phase=Running", _preload_content=False)
        return len(json.loads(found.data)["items"])

    def _read_ms(self) -> float:
        started = time.perf_counter()
        self._api.read_node(f"{simulated.NAME_PREFIX}{POOL.name}-0", _preload_content=False)
        return (time.perf_counter() - started) * 1000

    def _list_ms(self) -> float:
        started = time.perf_counter()
        self._api.list_namespaced_pod(NAMESPACE, _preload_content=False).data  # noqa: B018  # the read is the point
        return (time.perf_counter() - started) * 1000


class _Placing:
    """A watch on the namespace's pods: when each was first seen, and when first with a node."""

    def __init__(self, api: Any) -> None:
        self._api, self._watch = api, watch.Watch()
        self._seen: dict[str, float] = {}
        self._placed: dict[str, float] = {}
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> "_Placing":
        self._version = json.loads(self._api.list_namespaced_pod(NAMESPACE, _preload_content=False).data)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(1)  # the last events
        self._watch.stop()

    def waits_ms(self) -> list[float]:
        """Of each new pod, in milliseconds."""
        return [(at - self._seen[name]) * 1000 for name, at in self._placed.items()]

    def _follow(self) -> None:
        version = self._version["metadata"]["resourceVersion"]
        follow = self._watch.stream(self._api.list_namespaced_pod, NAMESPACE, resource_version=version)
        for event in follow:
            now, pod = time.perf_counter(), event["object"]
            self._seen.setdefault(pod.metadata.name, now)
            if pod.spec.node_name:
                self._placed.setdefault(pod.metadata.name, now)


def _spent(spec: NodeSpec) -> dict[str, tuple[float, int]]:
    """Processor seconds and resident bytes of each program of the node, from /proc."""
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    found: dict[str, tuple[float, int]] = {}
    for pid in cgroups.processes(spec):
        try:
            name = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode().rpartition("/")[2]
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if name in PROGRAMS:
            found[name] = ((int(fields[11]) + int(fields[12])) / ticks, int(fields[21]) * page)
    return found


def _deployment() -> dict[str, Any]:
    labels = {"app": "growth"}
    container = {
        "name": "simulated",
        "image": "example.invalid/simulated",
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
    }
    selector = {contract.POOL_LABEL: POOL.name}
    pod = {"nodeSelector": selector, "tolerations": [SIMULATED_TAINT.toleration], "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "growth", "namespace": NAMESPACE},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
