"""An environment that runs goes from fixed replicas to the autoscaler without a pod less."""

from collections.abc import Iterator
from typing import Any

import pytest

from gitops.handover import MANAGER
from lookout import contract
from tests.cluster.road import Road, wait_until
from tests.cluster.spike import watched

pytestmark = pytest.mark.cluster
ENVIRONMENT = "staging"
NAMESPACE = f"--namespace={contract.namespace(ENVIRONMENT)}"
SCALING = f"{contract.CONFIG_ENVS}/{{}}/{contract.SCALING_FILE}"


@pytest.fixture
def two_fixed(road: Road) -> Iterator[None]:
    """Staging with two fixed replicas, and with its one again afterwards, as docs/runbooks/autoscaler.md has it."""
    file = road.deploy / SCALING.format(ENVIRONMENT)
    shipped = file.read_text()
    release(road, shipped.replace("replicas: 1", "replicas: 2"))
    wait_until(lambda: ready(road) == 2, 60, "two replicas of staging are ready")
    yield
    release(road, shipped)
    autoscaler = ("horizontalpodautoscaler", contract.DETECTOR, NAMESPACE, "--ignore-not-found", "--output=name")
    wait_until(lambda: not road.kubectl("get", *autoscaler), 60, "the autoscaler is gone")
    road.kubectl("scale", f"deployment/{contract.DETECTOR}", "--replicas=1", NAMESPACE)


def release(road: Road, scaling: str) -> None:
    """A change made by hand; a release command that has nothing to do itself takes it along."""
    (road.deploy / SCALING.format(ENVIRONMENT)).write_text(scaling)
    road.git("commit", "--quiet", "--all", "--message", "Scale staging otherwise")
    road.lookout("release", "update", "--push")


def deployment(road: Road) -> Any:
    return road.get("deployment", contract.DETECTOR, NAMESPACE, "--show-managed-fields")


def ready(road: Road) -> int:
    return int(deployment(road)["status"].get("readyReplicas", 0))


def owners_of_replicas(road: Road) -> set[str]:
    fields = deployment(road)["metadata"]["managedFields"]
    return {entry["manager"] for entry in fields if "f:replicas" in entry["fieldsV1"].get("f:spec", {})}


@pytest.mark.usefixtures("two_fixed")
def test_fixed_replicas_stay_until_the_autoscaler_has_taken_over(road: Road) -> None:
    with watched(road.kubeconfig, ENVIRONMENT) as pods:
        release(road, (road.deploy / SCALING.format(contract.PRODUCTION)).read_text())
        wait_until(
            lambda: owners_of_replicas(road) == {MANAGER}, 30, "Argo CD has given the replicas up, somebody holds them"
        )
        seen = len(pods.seen)
        wait_until(lambda: len(pods.seen) > seen + 6, 10, "whoever was to go would be gone")
    assert {there for _, _, there in pods.seen} == {2}
    assert road.get("horizontalpodautoscaler", contract.DETECTOR, NAMESPACE)["spec"]["minReplicas"] == 2
