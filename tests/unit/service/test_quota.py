"""Workers follow the quotas of processor and memory, in both versions of control groups."""

from pathlib import Path

import pytest

from service import quota


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))


def version_2(root: Path, own: str, quotas: dict[str, str], file: str = "cpu.max") -> tuple[Path, Path]:
    for folder, content in quotas.items():
        (root / "cg" / folder).mkdir(parents=True, exist_ok=True)
        (root / "cg" / folder / file).write_text(content)
    (root / "proc").write_text(f"0::{own}\n")
    return root / "cg", root / "proc"


@pytest.mark.parametrize(
    ("said", "cores"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("50000 100000", 1),
        ("max 100000", 8),
        ("1600000 100000", 8),
        ("rubbish", 8),
    ],
)
def test_reads_a_version_2_quota(tmp_path: Path, said: str, cores: int) -> None:
    assert quota.usable_cores(*version_2(tmp_path, "/", {".": said})) == cores


def test_takes_the_tightest_quota_on_the_way_up(tmp_path: Path) -> None:
    quotas = {"pods": "300000 100000", "pods/a": "400000 100000", "pods/a/b": "max 100000"}
    assert quota.usable_cores(*version_2(tmp_path, "/pods/a/b", quotas)) == 3


@pytest.mark.parametrize(("said", "cores"), [("250000", 3), ("-1", 8)])
def test_reads_a_version_1_quota(tmp_path: Path, said: str, cores: int) -> None:
    folder = tmp_path / "cg" / "cpu,cpuacct" / "pod"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text(said)
    (folder / "cpu.cfs_period_us").write_text("100000")
    (tmp_path / "proc").write_text("5:memory:/pod\n4:cpu,cpuacct:/pod\n")
    assert quota.usable_cores(tmp_path / "cg", tmp_path / "proc") == cores


def test_counts_cores_where_there_are_no_control_groups(tmp_path: Path) -> None:
    assert quota.usable_cores(tmp_path / "none", tmp_path / "none") == 8


def test_memory_is_the_tightest_limit_on_the_way_up(tmp_path: Path) -> None:
    limits = {"pods": "3000000000", "pods/a": "max", "pods/a/b": "4000000000"}
    assert quota.memory_limit(*version_2(tmp_path, "/pods/a/b", limits, "memory.max")) == 3_000_000_000


@pytest.mark.parametrize(("said", "limit"), [("1073741824", 2**30), ("9223372036854771712", None)])
def test_reads_a_version_1_memory_limit(tmp_path: Path, said: str, limit: int | None) -> None:
    folder = tmp_path / "cg" / "memory" / "pod"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text(said)
    (tmp_path / "proc").write_text("5:memory:/pod\n4:cpu,cpuacct:/pod\n")
    assert quota.memory_limit(tmp_path / "cg", tmp_path / "proc") == limit


def test_memory_has_no_limit_where_there_are_no_control_groups(tmp_path: Path) -> None:
    assert quota.memory_limit(tmp_path / "none", tmp_path / "none") is None
