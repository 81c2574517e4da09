"""What capacity and simulation say again of the manifests is what the manifests say."""

from gitops import size_rules
from gitops.render import Manifest
from loadtest.capacity import overlay
from loadtest.simulation.plan import Autoscaling, Behaviour, Policy
from lookout import contract
from service.settings import PREFIX
from tests.contract.conftest import one

Rendered = dict[str, list[Manifest]]

DEADLINE = f"{PREFIX}QUEUE_DEADLINE_S"


def test_the_simulated_autoscaler_behaves_as_the_one_in_git(rendered: Rendered) -> None:
    behaviour = one(rendered[contract.PRODUCTION], "HorizontalPodAutoscaler")["spec"]["behavior"]
    simulated = Autoscaling(least=1, most=1, target_in_flight=1)
    assert _said(simulated.up) == _in_git(behaviour["scaleUp"])
    assert _said(simulated.down) == _in_git(behaviour["scaleDown"])


def test_sizing_leaves_room_for_the_pods_that_a_rollout_adds(rendered: Rendered) -> None:
    strategy = one(rendered[contract.PRODUCTION], "Deployment")["spec"]["strategy"]
    assert strategy["rollingUpdate"]["maxSurge"] == size_rules.SURGE


def test_measured_pods_are_the_environments_in_all_but_number_share_drain_and_patience(rendered: Rendered) -> None:
    environment = rendered[contract.PRODUCTION]
    measured = overlay.objects(environment, "image", 1, 200)
    assert {item["kind"] for item in measured} == {"Deployment", "Service", "ServiceAccount", "NetworkPolicy"}
    before, after = overlay.container(environment), overlay.container(measured)
    changed = {key for key in before if before[key] != after.get(key)}
    assert changed == {"image", "resources", "lifecycle", "env"}
    assert [one["name"] for one in after["env"] if one not in before["env"]] == [DEADLINE]
    assert {one["name"] for one in before["env"] if one not in after["env"]} <= {DEADLINE}
    assert before["resources"]["limits"].items() <= after["resources"]["limits"].items()
    pods = [one(objects, "Deployment")["spec"]["template"]["spec"] for objects in (environment, measured)]
    assert {key for key in pods[0] if pods[0][key] != pods[1].get(key)} == {
        "containers",
        "terminationGracePeriodSeconds",
    }
    service = one(measured, "Service")["spec"]["selector"]
    assert service.items() <= one(measured, "Deployment")["spec"]["template"]["metadata"]["labels"].items()


def _said(behaviour: Behaviour) -> tuple[float, set[tuple[str, int, float]]]:
    return behaviour.stabilization_s, {_policy(policy) for policy in behaviour.policies}


def _policy(policy: Policy) -> tuple[str, int, float]:
    return policy.kind, policy.value, policy.period_s


def _in_git(direction: Manifest) -> tuple[float, set[tuple[str, int, float]]]:
    assert direction.get("selectPolicy", "Max") == "Max"
    policies = {(item["type"], item["value"], float(item["periodSeconds"])) for item in direction["policies"]}
    return direction["stabilizationWindowSeconds"], policies
