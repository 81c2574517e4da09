"""A whole spike under open-loop load: up, over, down again to the floor, with no request lost on the way."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtest.result import load_result
from lookout import contract
from lookout.files import write_whole
from tests.cluster.road import Road, wait_until
from tests.cluster.spike import watched
from tests.soak import pods as production
from tests.soak.report import MEASUREMENTS

BEFORE_S, SPIKE_S, AFTER_S = 15, 60, 130
RATE, PEAK = 5, 30
TARGET = "150m"
"""Requests in flight a pod. More pods on one machine add no capacity, so the loop is shown at a load that the machine
carries anyway, with a target that this load passes; what a pod carries is the capacity record's business."""
WITHIN_S = 30
PROD = f"--namespace={contract.namespace(contract.PRODUCTION)}"


@pytest.fixture
def _aimed(road: Road) -> Iterator[None]:
    """The test's own target, and git's again afterwards: other specs count on production's two pods."""
    before = aim(road, TARGET)
    yield
    aim(road, before)


@pytest.mark.timeout(1200)  # first of all: bringing the road up counts as well
@pytest.mark.usefixtures("_aimed")
def test_a_spike_scales_up_and_down_and_loses_no_request(road: Road, tmp_path: Path) -> None:
    spec = road.get("horizontalpodautoscaler", contract.DETECTOR, PROD)["spec"]
    floor, most = spec["minReplicas"], spec["maxReplicas"]
    wait_until(lambda: len(production.names(road)) == floor, 180, "prod is at its floor before the spike")
    file = tmp_path / "spike.json"
    with watched(road.kubeconfig) as pods:
        done = road.lookout(
            *("load", "run", "--url", road.url(contract.PRODUCTION), "--expect", "lookout", "--seed", "7"),
            *("--arrivals", "spike", "--rate", str(RATE), "--peak", str(PEAK)),
            *("--at", f"{BEFORE_S}s", "--for", f"{SPIKE_S}s", "--duration", f"{BEFORE_S + SPIKE_S + AFTER_S}s"),
            *("--json", str(file), "--html", str(tmp_path / "spike.html")),
            check=False,
        )
    result = load_result(file)
    began = (result.started_at - pods.started_at).total_seconds()
    up_s = pods.first(floor + 1, began + BEFORE_S)
    down_s = pods.settled(floor, began + BEFORE_S + SPIKE_S)
    figures = {
        "schema_version": 1,
        "floor": floor,
        "most": max(ready for _, ready, _ in pods.seen),
        "first_extra_pod_ready_s": up_s,
        "back_at_the_floor_s": down_s,
        "requests": result.counts.intended,
        "errors": result.counts.errors,
        "target_in_flight": TARGET,
        "rate_before": RATE,
        "rate_in_spike": PEAK,
        "ready_over_time": changes([(round(at - began, 1), ready) for at, ready, _ in pods.seen]),
    }
    MEASUREMENTS.mkdir(parents=True, exist_ok=True)
    write_whole(MEASUREMENTS / f"autoscaling-{datetime.now(UTC):%Y-%m-%d}.json", json.dumps(figures, indent=1) + "\n")
    print(json.dumps({name: value for name, value in figures.items() if name != "ready_over_time"}))
    assert result.counts.errors == 0, done.stdout + done.stderr
    assert up_s is not None
    assert up_s <= WITHIN_S
    assert down_s is not None, "the pods did not go again"
    assert down_s >= spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"]
    assert floor <= min(ready for _, ready, _ in pods.seen)
    assert max(ready for _, ready, _ in pods.seen) <= most


def changes(seen: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Only those entries whose number is another one than before."""
    return [now for before, now in zip([None, *seen], seen, strict=False) if before is None or before[1] != now[1]]


def aim(road: Road, target: str) -> str:
    """Set the autoscaler's target as a person would, by a push. Returns what it was before."""
    before = _target(road)
    file = road.deploy / contract.CONFIG_ENVS / contract.PRODUCTION / contract.SCALING_FILE
    file.write_text(re.sub(r'averageValue: "?\w+"?', f'averageValue: "{target}"', file.read_text()))
    road.git("commit", "--all", "--quiet", f"--message=Aim at {target} requests in flight")
    road.git("push", "--quiet")
    wait_until(lambda: _target(road) == target, 60, "the target is in the cluster")
    return before


def _target(road: Road) -> str:
    metrics = road.get("horizontalpodautoscaler", contract.DETECTOR, PROD)["spec"]["metrics"]
    return str(metrics[0]["pods"]["target"]["averageValue"])
