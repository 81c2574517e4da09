"""The node's control groups on both layouts, played by ordinary directories."""

from pathlib import Path

import pytest

from infra.node import cgroups
from infra.node.spec import NodeSpec
from lookout.errors import LookoutError

SPEC = NodeSpec(name="unit")


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    return tmp_path


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    for name in ("cpu", "cpuacct", "cpuset", "memory", "pids"):
        (tmp_path / name).mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712")
    (tmp_path / "cpuset" / "cpuset.cpus").write_text("0-1\n")
    (tmp_path / "cpuset" / "cpuset.mems").write_text("0\n")
    (tmp_path / "unified").mkdir()
    return tmp_path


def test_tells_the_layouts_apart(v2: Path) -> None:
    assert cgroups.layout(v2) == "v2"


def test_takes_one_hierarchy_per_controller_for_v1_although_v2_is_mounted_beside(v1: Path) -> None:
    assert cgroups.layout(v1) == "v1"


def test_says_what_to_do_where_there_are_no_control_groups(tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="no control groups") as caught:
        cgroups.layout(tmp_path)
    assert caught.value.remedy


def test_a_v1_cpuset_group_gets_its_parents_processors_and_memory_nodes(v1: Path) -> None:
    cgroups.create(SPEC, v1)
    for group in ("lookout-unit", "lookout-unit/node"):
        assert (v1 / "cpuset" / group / "cpuset.cpus").read_text() == "0-1"
        assert (v1 / "cpuset" / group / "cpuset.mems").read_text() == "0"
    assert (v1 / "memory" / "lookout-unit" / "node").is_dir()
    assert not (v1 / "unified" / "lookout-unit").exists()


def test_v2_passes_controllers_on_and_keeps_processes_out_of_the_inner_group(v2: Path) -> None:
    cgroups.create(SPEC, v2)
    assert (v2 / "cgroup.subtree_control").read_text().startswith("+")
    assert (v2 / "lookout-unit" / "node").is_dir()


def test_a_node_weighs_as_ten_processes_on_v1(v1: Path) -> None:
    shares = v1 / "cpu" / "lookout-unit" / "cpu.shares"
    shares.parent.mkdir()
    shares.write_text("1024")
    cgroups.create(SPEC, v1)
    assert shares.read_text() == "10240"
    assert not (v1 / "memory" / "lookout-unit" / "cpu.shares").exists()


def test_a_node_weighs_as_ten_processes_on_v2(v2: Path) -> None:
    weight = v2 / "lookout-unit" / "cpu.weight"
    weight.parent.mkdir()
    weight.write_text("100")
    cgroups.create(SPEC, v2)
    assert weight.read_text() == "1000"


def test_a_process_joins_every_v1_hierarchy(v1: Path) -> None:
    cgroups.create(SPEC, v1)
    cgroups.join(SPEC, 4711, v1)
    for controller in ("cpu", "cpuacct", "cpuset", "memory", "pids"):
        assert (v1 / controller / "lookout-unit" / "node" / "cgroup.procs").read_text() == "4711"


def test_usage_leaves_reclaimable_cache_out_on_v1(v1: Path) -> None:
    cgroups.create(SPEC, v1)
    (v1 / "memory" / "lookout-unit" / "memory.usage_in_bytes").write_text("1000")
    (v1 / "memory" / "lookout-unit" / "memory.stat").write_text("cache 500\ntotal_inactive_file 300\n")
    (v1 / "cpuacct" / "lookout-unit" / "cpuacct.usage").write_text("2500000000")
    assert cgroups.usage(SPEC, v1) == (700, 2.5)


def test_usage_leaves_reclaimable_cache_out_on_v2(v2: Path) -> None:
    cgroups.create(SPEC, v2)
    (v2 / "lookout-unit" / "memory.current").write_text("1000")
    (v2 / "lookout-unit" / "memory.stat").write_text("anon 1\ninactive_file 400\n")
    (v2 / "lookout-unit" / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1\n")
    assert cgroups.usage(SPEC, v2) == (600, 1.5)


def test_there_is_no_usage_without_a_node(v2: Path) -> None:
    assert cgroups.usage(SPEC, v2) is None


def test_finds_processes_of_pods_below_the_node(v1: Path) -> None:
    cgroups.create(SPEC, v1)
    pod = v1 / "memory" / "lookout-unit" / "kubepods" / "pod1"
    pod.mkdir(parents=True)
    (pod / "cgroup.procs").write_text("11\n12\n")
    assert cgroups.processes(SPEC, v1) == {11, 12}


def test_removes_groups_inside_out_also_in_the_v2_hierarchy_beside_v1(v1: Path) -> None:
    (v1 / "unified" / "lookout-unit" / "kubepods").mkdir(parents=True)
    for controller in ("memory", "pids"):
        (v1 / controller / "lookout-unit" / "kubepods" / "pod1").mkdir(parents=True)
    cgroups.remove(SPEC, v1)
    assert not list(v1.glob("*/lookout-unit"))
