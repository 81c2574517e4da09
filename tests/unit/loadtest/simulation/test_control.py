"""Autoscaler and fleet do what Kubernetes documents."""

import pytest

from loadtest.simulation.autoscaler import Autoscaler
from loadtest.simulation.control import Control
from loadtest.simulation.fleet import Fleet
from loadtest.simulation.plan import Autoscaling, Behaviour, Policy, Pool, Service
from tests.unit.loadtest.simulation.plans import constant, plan

FREE = Behaviour(stabilization_s=0, policies=(Policy(kind="Percent", value=10_000),))


def autoscaler(**changes: object) -> Autoscaler:
    """Unlimited in both directions unless said otherwise."""
    values: dict[str, object] = {"least": 1, "most": 100, "target_in_flight": 2, "up": FREE, "down": FREE}
    return Autoscaler(Autoscaling.model_validate(values | changes))


@pytest.mark.parametrize(
    ("current", "mean", "wanted"), [(4, 3.0, 6), (4, 2.1, 4), (4, 1.81, 4), (4, 1.0, 2), (3, 2.5, 4), (10, 0.0, 1)]
)
def test_replicas_follow_the_ratio_outside_the_tolerance(current: int, mean: float, wanted: int) -> None:
    assert autoscaler().decide(0, current, current, mean) == wanted


def test_pods_without_a_metric_damp_both_directions() -> None:
    # Four of eight pods report three times the target: the silent ones count as idle, so 1.5 times eight.
    assert autoscaler().decide(0, 8, 4, 6.0) == 12
    # Four of eight report nothing to do: the silent ones count as at the target.
    assert autoscaler().decide(0, 8, 4, 0.0) == 4
    # Two of eight above the target, the others silent: no longer above it, and not below it either.
    assert autoscaler().decide(0, 8, 2, 3.0) == 8


def test_nothing_changes_without_a_metric() -> None:
    assert autoscaler().decide(0, 5, 5, None) == 5


def test_bounds_hold() -> None:
    assert autoscaler(most=6).decide(0, 4, 4, 50) == 6
    assert autoscaler(least=3).decide(0, 4, 4, 0) == 3


def test_the_larger_of_two_policies_holds_and_periods_are_remembered() -> None:
    up = Behaviour(
        stabilization_s=0, policies=(Policy(kind="Percent", value=100), Policy(kind="Pods", value=4, period_s=15))
    )
    one = autoscaler(up=up)
    assert one.decide(0, 1, 1, 100) == 5
    assert one.decide(10, 5, 5, 100) == 5
    assert one.decide(15, 5, 5, 100) == 10


def test_scaling_down_waits_for_the_window_and_goes_in_steps() -> None:
    down = Behaviour(stabilization_s=60, policies=(Policy(kind="Pods", value=1),))
    one = autoscaler(down=down)
    assert one.decide(0, 8, 8, 2.0) == 8
    assert one.decide(60, 8, 8, 0.0) == 8
    assert one.decide(61, 8, 8, 0.0) == 7
    assert one.decide(70, 7, 7, 0.0) == 7
    assert one.decide(76, 7, 7, 0.0) == 6


def test_a_pod_is_ready_after_its_start() -> None:
    fleet = Fleet(Pool(pod_start_s=5), 1)
    fleet.wanted = 3
    fleet.tick(10)
    assert [fleet.ready(at) for at in (10, 14.9, 15)] == [1, 1, 3]


def test_a_pod_without_room_waits_for_a_node_and_past_the_pool_for_ever() -> None:
    fleet = Fleet(Pool(pod_start_s=5, pods_per_node=2, nodes=1, most_nodes=2, node_start_s=60), 2)
    fleet.wanted = 9
    for second in range(200):
        fleet.tick(second)
        if second == 64:
            assert fleet.ready(second) == 2
    assert fleet.ready(200) == 4
    assert fleet.nodes == 2


def test_the_newest_pods_go_first_and_new_ones_start_again() -> None:
    fleet = Fleet(Pool(pod_start_s=5), 3)
    fleet.wanted = 1
    fleet.tick(1)
    assert fleet.ready(1) == 1
    fleet.wanted = 2
    fleet.tick(2)
    assert (fleet.ready(2), fleet.ready(7)) == (1, 2)


def test_the_autoscaler_sees_what_was_there_a_delay_ago() -> None:
    scaling = Autoscaling(least=1, most=4, target_in_flight=1, sync_s=5, metric_delay_s=20, up=FREE, down=FREE)
    control = Control(plan(Service(worker_s=constant(0.01)), autoscaling=scaling))
    wanted = []
    for step in range(100):
        control.tick(step / 2, 0 if step < 20 else 4)
        wanted.append(control.fleet.wanted)
    # Load began at 10 s; it was seen at 30 s as the newest end of a ten seconds' mean.
    first = next(step / 2 for step, count in enumerate(wanted) if count > 1)
    assert 30 <= first <= 40
