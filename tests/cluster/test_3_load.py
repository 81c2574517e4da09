"""Load from inside the cluster as a Job, and what a killed pod costs while it lasts."""

import signal
import threading
import time
from pathlib import Path

import pytest

from loadtest.arrivals import Poisson
from loadtest.incluster.job import NAMESPACE
from loadtest.result import load_result
from loadtest.run import run_load
from loadtest.settings import LoadSettings
from loadtest.target import ask_service
from lookout import contract
from tests.cluster.road import Road, wait_until
from tests.soak.pods import names, settle_at_floor
from tests.soak.stage import Stage

pytestmark = pytest.mark.cluster

_QUOTA = f"""
apiVersion: v1
kind: ResourceQuota
metadata: {{name: none, namespace: {NAMESPACE}}}
spec: {{hard: {{pods: "0"}}}}
"""


def _outputs(directory: Path) -> tuple[str, ...]:
    return ("--json", str(directory / "result.json"), "--html", str(directory / "result.html"))


def _left(road: Road) -> list[str]:
    """What load runs made and is still there; what is going does not count."""
    found = road.get("jobs,configmaps,secrets,pods", f"--namespace={NAMESPACE}")["items"]
    kept = [one["metadata"] for one in found if "deletionTimestamp" not in one["metadata"]]
    return [one["name"] for one in kept if one["name"] != "kube-root-ca.crt"]


def test_a_run_inside_the_cluster_brings_its_whole_result_back_and_leaves_nothing(road: Road, tmp_path: Path) -> None:
    asked = ("--in-cluster", "--environment", "dev", "--rate", "20", "--duration", "5s", "--processes", "2")
    road.lookout("load", "run", *asked, *_outputs(tmp_path))
    result = load_result(tmp_path / "result.json")
    assert result.settings.url == f"http://{contract.service_host('dev')}:80"
    assert result.ok
    assert result.counts.intended == len(result.samples.error) > 50
    assert result.service["name"]
    assert {pod.ready for pod in result.observations.pods} == {1}
    assert "<html" in (tmp_path / "result.html").read_text()
    assert _left(road) == []


def test_ctrl_c_fetches_what_there_is_and_removes_the_job(road: Road, tmp_path: Path) -> None:
    command = road.start("load", "run", "--in-cluster", "--rate", "10", "--duration", "5m", *_outputs(tmp_path))
    running = ("pods", f"--namespace={NAMESPACE}", "--field-selector=status.phase=Running")
    wait_until(lambda: bool(road.get(*running)["items"]), 60, "the load generator runs")
    time.sleep(5)
    command.send_signal(signal.SIGINT)
    output, _ = command.communicate(timeout=60)
    assert command.returncode == 130, output
    result = load_result(tmp_path / "result.json")
    assert result.interrupted
    assert result.counts.ok > 0
    assert _left(road) == []


def test_a_pod_that_may_not_be_is_explained(road: Road, tmp_path: Path) -> None:
    road.kubectl("apply", "--filename=-", input_text=_QUOTA)
    try:
        refused = road.lookout("load", "run", "--in-cluster", "--duration", "5s", *_outputs(tmp_path), check=False)
    finally:
        road.kubectl("delete", "resourcequota", "none", f"--namespace={NAMESPACE}")
    assert refused.returncode == 1
    assert "exceeded quota" in " ".join(refused.stderr.split())
    assert _left(road) == []


def test_a_killed_pod_of_two_costs_little(road: Road) -> None:
    """The short form of tests/soak/test_disruptions.py."""
    prod = f"--namespace={contract.namespace(contract.PRODUCTION)}"
    Stage(road.url(contract.PRODUCTION), lambda: settle_at_floor(road)).play(
        "pod killed",
        lambda: road.kubectl("delete", "pod", names(road)[0], prod, "--grace-period=0", "--force"),
        slo="p99<=2s,errors<=3%",
        gap_s=2,
        after_s=15,
    )


def test_a_rolling_restart_under_open_load_loses_no_request(road: Road) -> None:
    settle_at_floor(road)
    url, prod = road.url(contract.PRODUCTION), f"--namespace={contract.namespace(contract.PRODUCTION)}"
    before, replaced = set(names(road)), threading.Event()

    def restart() -> None:
        time.sleep(5)
        road.kubectl("rollout", "restart", f"deployment/{contract.DETECTOR}", prod)
        wait_until(lambda: before.isdisjoint(names(road)), 60, "both pods are replaced")
        time.sleep(3)
        replaced.set()

    deed = threading.Thread(target=restart)
    # Requests keep coming, whether or not answers do, until some while after the old pods are gone.
    settings = LoadSettings(url=url, arrivals=Poisson(rate=16.0), duration_s=75.0, seed=11)
    deed.start()
    result = run_load(settings, ask_service(url), lambda _: None, stop=lambda _: replaced.is_set())
    deed.join()
    print(f"both pods replaced and {result.counts.intended} requests in {result.duration_s:.1f} s")
    assert replaced.is_set()
    assert result.counts.intended > 100
    assert result.counts.ok == result.counts.intended - result.counts.unfinished, result.errors_by_kind
    assert result.counts.unfinished <= 2  # under way at the end
