"""How a living worker leaves, and what an interrupted join leaves. Last: afterwards the road has no worker."""

import time

import pytest

from lookout import contract
from tests.cluster.road import Road, kill_group, wait_until
from tests.cluster.workers import WORKER, assert_no_worker, set_workers

pytestmark = pytest.mark.cluster


def test_a_living_worker_is_drained_and_leaves_nothing(road: Road) -> None:
    started = time.monotonic()
    set_workers(road, 0)
    print(f"pulumi up with a worker less: {time.monotonic() - started:.1f} s")
    assert_no_worker(road)
    ready = road.get("deployment", contract.DETECTOR, f"--namespace={contract.namespace('prod')}")["status"]
    assert ready["readyReplicas"] >= 2


def test_what_an_up_killed_in_the_middle_of_a_join_left_is_taken_away(road: Road) -> None:
    road.write_settings(workers=1)
    log = road.state / "lookout" / "logs" / "up.log"
    log.unlink(missing_ok=True)
    running = road.start("up")
    wait_until(lambda: log.exists() and f"{WORKER}: kubeadm join" in log.read_text(), 90, "the worker joins")
    assert running.poll() is None
    kill_group(running)
    road.write_settings()
    road.lookout("up")
    assert_no_worker(road)
