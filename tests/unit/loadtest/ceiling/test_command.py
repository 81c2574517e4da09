"""`lookout load ceiling` with a made-up generator: what it shows, writes and refuses."""

import json
from pathlib import Path

import pytest

from loadtest.ceiling import measure
from loadtest.ceiling.record import Attempt, Expect, load_ceiling
from tests.unit.command import ended


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")


def made_up(true_per_s: float, seen: list[tuple[int, Expect]]) -> object:
    def attempt(rate_per_s: float, step_s: float, seed: int, expect: Expect) -> Attempt:
        seen.append((seed, expect))
        return Attempt(
            rate_per_s=rate_per_s, starts=int(rate_per_s * step_s), late_ratio=0.0 if rate_per_s <= true_per_s else 0.2,
            lag_p99_ms=1.5, lost=0, cpu_cores=rate_per_s / 3_000, server_p99_ms=0.1,
        )  # fmt: skip

    return attempt


def test_shows_every_run_and_writes_the_ceiling_where_run_looks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[int, Expect]] = []
    monkeypatch.setattr(measure, "attempt", made_up(1_700, seen))
    words = ("--step", "2", "--seed", "5", "--expect", "any", "--json", str(tmp_path / "out.json"))
    assert ended("load", "ceiling", *words) == 0
    ceiling = load_ceiling()
    assert ceiling is not None
    assert 1_700 / 1.05 <= ceiling.per_core.rate_per_s <= 1_700
    assert ceiling.command == "lookout load ceiling --step 2 --seed 5 --expect any"
    assert len(ceiling.attempts) == len(seen)
    assert [seed for seed, _ in seen] == list(range(5, 5 + len(seen)))  # another schedule for every run
    assert {expect for _, expect in seen} == {"any"}
    assert ceiling.photos
    assert json.loads((tmp_path / "out.json").read_text()) == json.loads(ceiling.text())
    output = capsys.readouterr().out
    assert f"{ceiling.per_core.rate_per_s:,.0f} requests/s from one process" in output
    assert len(output.splitlines()) == len(seen) + 2


def test_a_machine_that_keeps_nothing_is_told_so_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "attempt", made_up(0, []))
    assert ended("load", "ceiling") == 1
    assert "not even ten starts a second" in capsys.readouterr().err
    assert load_ceiling() is None


@pytest.mark.parametrize(
    "wrong", [["--expect", "another"], ["--step", "0"], ["--json", "/proc/nowhere/x.json"], ["--seed", "-1"]]
)
def test_wrong_usage_makes_no_load(monkeypatch: pytest.MonkeyPatch, wrong: list[str]) -> None:
    seen: list[tuple[int, Expect]] = []
    monkeypatch.setattr(measure, "attempt", made_up(1_000, seen))
    assert ended("load", "ceiling", *wrong) == 64
    assert seen == []
