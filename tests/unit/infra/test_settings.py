"""Settings: each file in stacks/ is one example or one mistake, named after it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo

from infra import stackfile
from infra.pools import GPU_TAINT, NodePool, Taint
from infra.settings import Settings, decode, parse
from lookout import contract, paths
from lookout.errors import LookoutError

STACKS = Path(__file__).parent / "stacks"
EXAMPLES = sorted(paths.PROJECT_ROOT.glob("Pulumi.*.example.yaml"))


@pytest.mark.parametrize("file", sorted((STACKS / "invalid").glob("*.yaml")), ids=lambda file: file.stem)
def test_refuses_in_one_clear_line(file: Path) -> None:
    expected = file.read_text().partition("\n")[0].removeprefix("# expect: ")
    with pytest.raises(LookoutError) as caught:
        stackfile.read(file)
    assert expected in caught.value.message
    assert len(caught.value.message.splitlines()) == 1
    assert file.name in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("file", sorted((STACKS / "valid").glob("*.yaml")), ids=lambda file: file.stem)
def test_accepts(file: Path) -> None:
    assert stackfile.read(file).target == "local"


def test_there_is_an_example_for_every_target() -> None:
    wanted = Settings.model_fields["target"].annotation.__args__  # type: ignore[union-attr]  # a Literal has arguments
    assert sorted(file.name.split(".")[1] for file in EXAMPLES) == sorted(wanted)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_accepts_the_example(file: Path) -> None:
    assert stackfile.read(file).target == file.name.split(".")[1]


@pytest.mark.parametrize("field", Settings.model_fields.values(), ids=list(Settings.model_fields))
def test_every_setting_stands_in_an_example(field: FieldInfo) -> None:
    """In a comment at least."""
    assert any(f"lookout:{field.alias}:" in file.read_text() for file in EXAMPLES)


def test_names_every_mistake_of_a_file_at_once() -> None:
    with pytest.raises(LookoutError) as caught:
        parse({"target": "mars", "local": {"workers": -1}}, "Pulumi.x.yaml")
    lines = caught.value.message.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["lookout:target", "lookout:local.workers"]


def test_pulumi_hands_objects_over_as_json() -> None:
    given = {"target": "local", "nodePools": '[{"name": "cpu", "machineType": "m"}]', "local": '{"workers": 2}'}
    settings = parse(decode(given))
    assert settings.node_pools[0].name == "cpu"
    assert settings.node.workers == 2


def test_json_cut_short_is_refused_as_text() -> None:
    with pytest.raises(LookoutError, match=r"lookout:local"):
        parse(decode({"local": '{"workers": '}))


def _gpu_pool(**more: Any) -> NodePool:
    return NodePool.model_validate({"name": "gpu", "machineType": "m", "gpu": {"type": "nvidia-l4"}, **more})


def test_a_gpu_pool_carries_the_gpu_taint_and_its_toleration() -> None:
    pool = _gpu_pool(taints=[{"key": "team"}])
    assert [taint.manifest for taint in pool.all_taints] == [
        {"key": "team", "value": "", "effect": "NoSchedule"},
        {"key": contract.GPU_TAINT_KEY, "value": "present", "effect": "NoSchedule"},
    ]
    assert pool.tolerations == [
        {"key": "team", "operator": "Exists", "effect": "NoSchedule"},
        {"key": contract.GPU_TAINT_KEY, "operator": "Equal", "value": "present", "effect": "NoSchedule"},
    ]


def test_a_toleration_matches_its_own_taint_only() -> None:
    def tolerates(toleration: dict[str, str], taint: Taint) -> bool:
        same = toleration["key"] == taint.key and toleration["effect"] == taint.effect
        return same and (toleration["operator"] == "Exists" or toleration["value"] == taint.value)

    assert tolerates(GPU_TAINT.toleration, GPU_TAINT)
    assert not tolerates(GPU_TAINT.toleration, Taint(key=GPU_TAINT.key, value="other"))


def test_labels_say_pool_gpu_and_spot() -> None:
    assert _gpu_pool(spot=True, labels={"team": "vision"}).all_labels == {
        contract.GPU_LABEL: "nvidia-l4",
        contract.POOL_LABEL: "gpu",
        contract.SPOT_LABEL: "true",
        "team": "vision",
    }
