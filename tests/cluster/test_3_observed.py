"""Beside its requests a load run sees the pods behind the door, and the stages inside each of them."""

from pathlib import Path

import pytest

from loadtest.result import load_result
from lookout import contract
from service.metrics import STAGES
from tests.cluster.road import Road

pytestmark = pytest.mark.cluster


def test_a_run_through_a_door_sees_pods_and_stages(road: Road, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    html = out.with_suffix(".html")
    asked = ("--url", road.url("prod"), "--rate", "5", "--duration", "10s", "--json", str(out), "--html", str(html))
    road.lookout("load", "run", *asked)
    seen = load_result(out).observations
    namespace = contract.namespace("prod")
    wanted = road.get("deployment", contract.DETECTOR, "--namespace", namespace)["spec"]["replicas"]
    # About once a second, on a machine that does much else.
    assert len(seen.pods) >= 5
    assert len(seen.stages) >= 5
    assert {second.wanted for second in seen.pods} == {wanted}
    assert {second.ready for second in seen.pods} == {wanted}
    assert seen.stages_from == "every pod, asked one by one"
    assert {name for second in seen.stages for name in second.stage_ms} == set(STAGES)
    moments = [*(second.at_s for second in seen.stages), *(second.at_s for second in seen.pods)]
    assert all(0 <= at_s <= 10 for at_s in moments)
    for title in ("Stages in the server", "Pods and restarts"):
        assert title in html.read_text()
