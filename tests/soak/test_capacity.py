"""The capacity of production, measured for real: recorded, sized from, checked, and nothing left in the cluster."""

import json
import signal
import subprocess
import time
from datetime import UTC, datetime

import pytest

from loadtest.capacity import overlay
from loadtest.capacity.record_file import parse, path
from lookout import contract
from lookout.files import write_whole
from tests.cluster.road import Road, wait_until
from tests.soak.report import MEASUREMENTS

_MEASURED_WITHIN_S = 2400
_MACHINE = "soak-machine"


def test_ctrl_c_takes_the_measured_pods_away_and_ends_with_130(road: Road) -> None:
    measuring = road.start("load", "capacity", "--env", contract.PRODUCTION)
    wait_until(lambda: _pods(road) != "", 120, "a pod to be measured is there")
    time.sleep(5)
    measuring.send_signal(signal.SIGINT)
    assert measuring.wait(120) == 130, measuring.stdout.read() if measuring.stdout else ""
    assert not _namespace(road)


@pytest.mark.timeout(_MEASURED_WITHIN_S + 300)
def test_a_release_is_measured_recorded_sized_and_checked(road: Road) -> None:
    words = ["load", "capacity", "--env", contract.PRODUCTION, "--machine-type", _MACHINE]
    measuring = road.start(*words)
    try:
        said, _ = measuring.communicate(timeout=_MEASURED_WITHIN_S)
    except subprocess.TimeoutExpired:
        measuring.send_signal(signal.SIGINT)
        said, _ = measuring.communicate(timeout=120)
        pytest.fail(f"not measured within {_MEASURED_WITHIN_S} s:\n{said}")
    assert measuring.returncode == 0, said
    assert not _namespace(road)
    digest = road.get("deployment", contract.DETECTOR, f"--namespace={contract.namespace(contract.PRODUCTION)}")[
        "spec"
    ]["template"]["spec"]["containers"][0]["image"].partition("@")[2]
    record = parse(road.git("show", f"HEAD:{path(digest, _MACHINE)}"), "the record")
    assert record.concurrency.fit is not None
    assert record.replicas is not None
    assert record.replicas.fit is not None
    assert record.slo_rate.rate_per_s is not None
    assert record.slo_rate.attempts[-1].outcome == "pass"
    write_whole(MEASUREMENTS / f"capacity-{datetime.now(UTC):%Y-%m-%d}.json", record.text())
    road.lookout("release", "size", contract.PRODUCTION)
    (found,) = json.loads(road.lookout("release", "check", contract.PRODUCTION, "--json").stdout)
    assert found["wrong"] == []
    assert found["record"] == path(digest, _MACHINE)


def _pods(road: Road) -> str:
    return road.kubectl(
        "get", "pods", f"--namespace={overlay.NAMESPACE}", "--output=name", "--ignore-not-found", check=False
    ).strip()


def _namespace(road: Road) -> str:
    return road.kubectl("get", "namespace", overlay.NAMESPACE, "--output=name", "--ignore-not-found").strip()
