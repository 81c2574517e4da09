"""What each disruption may cost production: two pods, 32 Poisson requests a second, one deed in the midst of a run.

Each promise is judged at 99 % confidence over the 28 s (about 900 requests) from the deed on, and the run before it
must be in steady state. docs/disruptions.md says why each promise is what it is.
"""

import time
from collections.abc import Iterator

import httpx
import pytest

from infra.node import worker_spec
from loadtest.arrivals import Hold, Steps
from lookout import contract
from tests.cluster.road import Road, wait_until
from tests.soak.node import hold_down, kill, kill_a_sender, throttled
from tests.soak.pods import names, node_of, settle, uid
from tests.soak.stage import BEFORE_S, RATE, Stage

# A play that told nothing is made again, each with its wait for the floor.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]

PROD = f"--namespace={contract.namespace(contract.PRODUCTION)}"
UNTOUCHED = "p99<=1s,errors<=1%"
"""Of what serves no request itself. The latency is that of two cores on which a control plane starts as well."""
SHORT_S = 20.0
"""Enough for that: 459 requests without a violation show it."""
FULL_MIB = 256
"""More than the pod's /tmp holds."""
OUTAGE_S = 10.0
REFUSED = "15%"
"""A slow pod refuses at once what it would answer too late: its half of the requests for OUTAGE_S of 28 s is 18 %, less
what a tenth of a core answers."""


@pytest.fixture(autouse=True)
def _settled(road: Road) -> Iterator[None]:
    """Each spec leaves nothing out of sync."""
    yield
    settle(road)


def test_a_lost_worker_of_the_generator_is_the_generator_s_failure(stage: Stage) -> None:
    stage.play(
        "generator worker killed",
        kill_a_sender,
        slo="p99<=400ms,errors<=1%",
        gap_s=5,
        expected="generator invalid",
        processes=2,
        after_s=10,
    )


def test_a_killed_pod_of_two(road: Road, stage: Stage) -> None:
    stage.play(
        "pod killed",
        lambda: road.kubectl("delete", "pod", names(road)[0], PROD, "--grace-period=0", "--force"),
        slo="p99<=1500ms,errors<=1%",
        gap_s=2,
    )


def test_a_killed_process_of_two(road: Road, stage: Stage) -> None:
    def kill_one() -> None:
        pod = names(road)[0]
        kill(node_of(road, pod), "-m service", uid(road, pod))

    stage.play("process killed", kill_one, slo="p99<=1s,errors<=1%", gap_s=2)


def test_a_worker_node_that_loses_power_and_comes_back(road: Road, stage: Stage) -> None:
    worker = worker_spec.possible(road.spec)[0].name

    def fail_and_return() -> None:
        road.lookout("node", "stop-worker", worker)
        time.sleep(OUTAGE_S)
        road.lookout("node", "start-worker", worker)

    stage.play("worker node stopped and back", fail_and_return, slo="errors<=3%", gap_s=3)


def test_a_restarted_api_server(road: Road, stage: Stage) -> None:
    stage.play("API server killed", lambda: kill(road.spec, "kube-apiserver"), slo=UNTOUCHED, gap_s=1, after_s=SHORT_S)


def test_a_restarted_argo_cd(road: Road, stage: Stage) -> None:
    stage.play(
        "Argo CD restarted",
        lambda: road.kubectl("delete", "pods", "--all", "--namespace=argocd", "--grace-period=0", "--force"),
        slo=UNTOUCHED,
        gap_s=1,
        after_s=SHORT_S,
    )


def test_a_registry_that_is_down_while_a_pod_is_replaced(road: Road, stage: Stage) -> None:
    def replace_without_registry() -> None:
        road.kubectl("delete", "pod", names(road)[0], PROD, "--wait=false")
        hold_down(road.spec, "docker-registry", OUTAGE_S)

    stage.play("registry down, pod replaced", replace_without_registry, slo=UNTOUCHED, gap_s=1, after_s=SHORT_S)


def test_a_git_server_that_is_down_and_a_push_after_it(road: Road, stage: Stage) -> None:
    stage.play(
        "git server down", lambda: hold_down(road.spec, "lighttpd", OUTAGE_S), slo=UNTOUCHED, gap_s=1, after_s=SHORT_S
    )
    wait_until(lambda: road.git("ls-remote", "origin").startswith(road.git("rev-parse", "HEAD")), 10, "git answers")


def test_a_full_disk_in_a_pod(road: Road, stage: Stage) -> None:
    fill = f"dd if=/dev/zero of=/tmp/full bs=1M count={FULL_MIB}"

    def fill_and_empty() -> None:
        pod = names(road)[0]
        said = road.kubectl("exec", pod, PROD, "--", "sh", "-c", f"{fill}; ls -s /tmp/full", check=False)
        assert "No space left on device" in said, said
        time.sleep(OUTAGE_S)
        road.kubectl("exec", pod, PROD, "--", "rm", "/tmp/full")  # noqa: S108  # in the pod

    stage.play("disk full in a pod", fill_and_empty, slo=UNTOUCHED, gap_s=1, after_s=SHORT_S)


def test_a_pod_that_turns_slow(road: Road, stage: Stage) -> None:
    def slow_down() -> None:
        pod = names(road)[0]
        with throttled(node_of(road, pod), uid(road, pod), 0.1):
            time.sleep(OUTAGE_S)

    kept = stage.play("one pod slow (a tenth of a core)", slow_down, slo=f"p99<=2s,errors<={REFUSED}", gap_s=1)
    assert set(kept.errors_by_kind) <= {"status 503: Over capacity"}


def test_a_load_that_doubles(stage: Stage) -> None:
    doubled = Steps(steps=(Hold(rate=RATE, for_s=BEFORE_S), Hold(rate=2 * RATE, for_s=60)))
    stage.play("load doubled", lambda: None, slo="p99<=1s,errors<=1%", gap_s=1, arrivals=doubled)


def test_the_page_is_there_after_all_of_it(stage: Stage) -> None:
    assert httpx.get(stage.url + contract.READINESS_PATH, timeout=5).status_code == 200
