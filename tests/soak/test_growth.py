"""The control plane under hundreds of simulated nodes and pods: what runs is simulated, what it costs is measured."""

import json
from datetime import UTC, datetime

from lookout.files import write_whole
from tests.cluster.road import Road
from tests.soak.growth import Growth
from tests.soak.report import MEASUREMENTS

STEPS = ((10, 50), (50, 150), (100, 300), (200, 500))
"""Nodes and pods. The local cluster's pod range holds 256 nodes of a /24 each."""


def test_hundreds_of_simulated_nodes_and_pods_are_placed_in_seconds(road: Road) -> None:
    growth = Growth(road)
    try:
        steps = [growth.step(nodes, pods) for nodes, pods in STEPS]
    finally:
        growth.remove()
    document = {"schema_version": 1, "simulated": "nodes and pods (KWOK)", "steps": [step._asdict() for step in steps]}
    path = MEASUREMENTS / f"control-plane-growth-{datetime.now(UTC):%Y-%m-%d}.json"
    MEASUREMENTS.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(document, indent=1) + "\n")
    print("simulated nodes, pods: placed, scheduling p50/p99, read, list, API server cores and MiB")
    for step in steps:
        print(
            f"{step.nodes:>5} {step.pods:>5}: {step.placed_s:6.2f} s {step.scheduling_p50_ms:7.1f}/"
            f"{step.scheduling_p99_ms:.1f} ms {step.read_p50_ms:6.2f} ms {step.list_ms:7.1f} ms "
            f"{step.cpu_cores['kube-apiserver']:.3f} {step.memory_mib['kube-apiserver']:.0f}"
        )
    for (_, pods_before), step in zip(((0, 0), *STEPS[:-1]), steps, strict=True):
        # The API server lets kube-controller-manager make about twenty pods a second (its client's own limit).
        assert step.placed_s <= 10 + (step.pods - pods_before) / 5
    # What a read costs must not grow with what else is there.
    assert steps[-1].read_p50_ms <= 5 * steps[0].read_p50_ms + 5
