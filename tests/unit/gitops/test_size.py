"""An environment is sized from what was measured of its release, and hand-edited values are held against it."""

import json
from collections.abc import Callable

import pytest

from gitops import release, scaling_file, size, size_rules
from gitops.scaling_file import QUEUE, Scaling
from loadtest.capacity import record_file
from loadtest.capacity.record import CapacityRecord, Sizing
from lookout import contract, paths
from lookout.artifact import Artifact
from lookout.errors import LookoutError, UsageError
from tests.unit.command import ended
from tests.unit.gitops.conftest import Road, commit_all
from tests.unit.loadtest.capacity import build

Image = Callable[[str], Artifact]
SIZED = build.record()
PROD = f"{contract.CONFIG_ENVS}/prod"


@pytest.fixture
def released(road: Road, image: Image) -> str:
    """Every environment runs release a; returns its digest."""
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    return image("a").image.partition("@")[2]


def put(road: Road, digest: str, machine_type: str = "test-4", **changes: object) -> str:
    """Commit a record of a release on a machine; returns its path."""
    machine = SIZED.machine.model_copy(update={"type": machine_type})
    record = SIZED.model_copy(update={"digest": digest, "machine": machine, **changes})
    road.deploy.commit_files({record_file.path(digest, machine_type): record.text()}, "capacity")
    return record_file.path(digest, machine_type)


def text(road: Road, name: str, environment: str = "prod") -> str:
    return road.deploy.read(f"{contract.CONFIG_ENVS}/{environment}/{name}") or ""


def sizing_of(record: CapacityRecord) -> Sizing:
    assert record.sizing is not None
    return record.sizing


def test_scaling_and_concurrency_limit_come_from_the_record_in_one_commit(road: Road, released: str) -> None:
    path = put(road, released)
    outcome = size.size(road.deploy, "prod", machines=2)
    assert outcome.commit == road.deploy.head
    found = scaling_file.parse(text(road, contract.SCALING_FILE), "scaling.yaml")
    # Twelve pods speak for themselves; two machines of nine hold seventeen beside a surge pod.
    assert found == Scaling(autoscaled=True, least=2, most=12, target=1.12, record=path, machines=2)
    settings = scaling_file.variables(text(road, contract.SETTINGS_FILE), "settings.yaml")
    assert int(settings[QUEUE]) == sizing_of(SIZED).concurrency_limit - 1
    assert settings["LOOKOUT_LOG_LEVEL"] == "INFO"
    assert "+  maxReplicas: 12" in outcome.diff


def test_the_room_of_the_machines_bounds_the_replicas(road: Road, released: str) -> None:
    put(road, released)
    size.size(road.deploy, "prod")
    assert scaling_file.parse(text(road, contract.SCALING_FILE), "x").most == 8


def test_sizing_again_changes_nothing_and_keeps_the_machines(road: Road, released: str) -> None:
    put(road, released)
    size.size(road.deploy, "prod", machines=2)
    again = size.size(road.deploy, "prod")
    assert again.commit is None
    assert "already" in again.summary


def test_a_fixed_number_of_replicas_stays(road: Road, released: str) -> None:
    put(road, released)
    before = text(road, contract.SCALING_FILE, "dev")
    size.size(road.deploy, "dev")
    assert text(road, contract.SCALING_FILE, "dev") == before
    assert QUEUE in text(road, contract.SETTINGS_FILE, "dev")


def test_comments_and_other_settings_stay_as_they_were(road: Road, released: str) -> None:
    put(road, released)
    before = text(road, contract.SETTINGS_FILE)
    size.size(road.deploy, "prod")
    after = text(road, contract.SETTINGS_FILE)
    assert [line for line in after.splitlines() if line in before.splitlines()] == before.splitlines()
    assert len(after.splitlines()) <= len(before.splitlines()) + 2


def test_without_a_measurement_nothing_is_sized(road: Road, released: str) -> None:
    with pytest.raises(LookoutError, match="was not measured") as refused:
        size.size(road.deploy, "prod")
    assert refused.value.remedy == "measure it: lookout load capacity --env prod"
    assert released not in refused.value.message


def test_threads_that_are_no_number_are_refused_by_file(road: Road, released: str) -> None:
    put(road, released)
    file = road.deploy.directory / contract.CONFIG_ENVS / "prod" / contract.SETTINGS_FILE
    file.write_text(file.read_text().replace('value: "1"', 'value: "all"'))
    commit_all(road.deploy.directory, "by hand")
    with pytest.raises(LookoutError, match=r"settings\.yaml: LOOKOUT_THREADS is all"):
        size.size(road.deploy, "prod")


def test_several_measurements_need_a_choice(road: Road, released: str) -> None:
    put(road, released, "small")
    put(road, released, "test-4")
    with pytest.raises(LookoutError, match="small, test-4"):
        size.size(road.deploy, "prod")
    assert size.size(road.deploy, "prod", machine_type="small").commit
    with pytest.raises(LookoutError, match="not measured on huge"):
        size.size(road.deploy, "prod", machine_type="huge")


def test_a_record_that_sizes_nothing_says_why(road: Road, released: str) -> None:
    put(road, released, sizing=None, not_sized="no rate met the SLO")
    with pytest.raises(LookoutError, match="no rate met the SLO"):
        size.size(road.deploy, "prod")


def test_too_few_machines_for_the_fewest_replicas_are_refused(road: Road, released: str) -> None:
    put(road, released, sizing=sizing_of(SIZED).model_copy(update={"pods_per_machine": 2}))
    with pytest.raises(LookoutError, match="at least 2 replicas, and 1 machine"):
        size.size(road.deploy, "prod")


def test_an_unknown_environment_is_wrong_usage(road: Road) -> None:
    with pytest.raises(UsageError, match="production"):
        size.size(road.deploy, "production")


def test_what_was_sized_passes_the_check_and_a_hand_edit_fails_it(road: Road, released: str) -> None:
    put(road, released)
    for environment in contract.ENVIRONMENTS:
        size.size(road.deploy, environment)
    assert [found.wrong for found in size.check(road.deploy, contract.ENVIRONMENTS)] == [(), (), ()]
    edited = text(road, contract.SCALING_FILE).replace("maxReplicas: 8", "maxReplicas: 60")
    road.deploy.commit_files({f"{PROD}/{contract.SCALING_FILE}": edited}, "more!")
    (found,) = size.check(road.deploy, ["prod"])
    assert found.wrong[0].startswith("60 replicas are past")
    assert len(found.wrong) == 2


def test_an_unmeasured_release_is_not_wrong(road: Road, released: str) -> None:  # noqa: ARG001  # it is released
    assert [(found.record, found.wrong) for found in size.check(road.deploy, ["prod"])] == [(None, ())]


HELD = Scaling(autoscaled=True, least=2, most=8, target=1.1, record=None, machines=1)
VARIABLES = {"LOOKOUT_THREADS": "1", QUEUE: "3"}


def test_values_within_the_measurement_are_not_wrong() -> None:
    assert size_rules.contradictions(HELD, VARIABLES, SIZED) == []


@pytest.mark.parametrize(
    ("scaling", "variables", "why"),
    [
        ({"most": 13, "machines": 2}, {}, "past the 12"),
        ({"most": 9}, {}, "do not fit on 1 machine"),
        ({"least": 9}, {}, "minReplicas 9 is above maxReplicas 8"),
        ({"target": 1.7}, {}, "above the 1.6 that a pod has at its SLO-bounded rate"),
        ({"target": 40.0}, {}, "above the measured concurrency limit"),
        ({"target": 0.0}, {}, "is none"),
        ({}, {QUEUE: "50"}, "LOOKOUT_QUEUE=50 and 1 thread"),
        ({}, {QUEUE: None}, "LOOKOUT_QUEUE's default 32"),
        ({}, {QUEUE: "many"}, "not both whole numbers"),
        ({"autoscaled": False, "least": 20, "most": 20, "target": None, "machines": 3}, {}, "past the 12"),
    ],
)
def test_values_that_contradict_it_are_named(
    scaling: dict[str, object], variables: dict[str, str | None], why: str
) -> None:
    said = {name: value for name, value in (VARIABLES | variables).items() if value is not None}
    wrong = size_rules.contradictions(HELD.model_copy(update=scaling), said, SIZED)
    assert [why in sentence for sentence in wrong] == [True]


def test_the_shipped_files_are_in_the_form_that_is_read_and_written() -> None:
    for environment in contract.ENVIRONMENTS:
        directory = paths.PROJECT_ROOT / "gitops/config" / contract.CONFIG_ENVS / environment
        scaling = (directory / contract.SCALING_FILE).read_text()
        assert scaling_file.parse(scaling, "scaling.yaml").autoscaled == (environment == contract.PRODUCTION)
        settings = (directory / contract.SETTINGS_FILE).read_text()
        assert scaling_file.variables(scaling_file.with_variable(settings, QUEUE, "7", "x"), "x")[QUEUE] == "7"


def test_setting_a_variable_twice_replaces_it() -> None:
    settings = (paths.PROJECT_ROOT / f"gitops/config/{PROD}/settings.yaml").read_text()
    twice = scaling_file.with_variable(scaling_file.with_variable(settings, QUEUE, "7", "x"), QUEUE, "9", "x")
    assert scaling_file.variables(twice, "x")[QUEUE] == "9"
    assert twice.count(QUEUE) == 1


@pytest.mark.parametrize("broken", ["[", "kind: Deployment", "a: 1\n---\nkind: HorizontalPodAutoscaler\nspec: {}"])
def test_files_of_another_form_are_refused_by_name(broken: str) -> None:
    with pytest.raises(LookoutError, match=r"scaling\.yaml"):
        scaling_file.parse(broken, "scaling.yaml")


def test_the_commands_show_the_diff_and_end_with_one_where_something_is_wrong(
    road: Road, released: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(road, released)
    assert ended("release", "check", "prod") == 1
    assert "LOOKOUT_QUEUE's default 32" in capsys.readouterr().out
    assert ended("release", "size", "prod", "--push") == 0
    assert "maxReplicas: 8" in capsys.readouterr().out
    assert road.deploy.distance().ahead == 0
    assert ended("release", "check", "prod", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["wrong"] == []
