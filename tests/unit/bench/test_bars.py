"""What the bench demands, and when it says that something was missed."""

import pytest

from tests.bench.bars import bars, missed
from tests.bench.record import Bar, Round
from tests.unit.bench.build import a_round, an_open_run


def _rounds(peer: str, *ours: float) -> list[Round]:
    """Rounds in which the peer makes 100 a second and ours these."""
    return [
        one
        for number, speed in enumerate(ours)
        for one in (a_round("ours", speed, number), a_round(peer, 100, number))  # type: ignore[arg-type]  # a name
    ]


def _bar(found: list[Bar], start: str) -> Bar:
    return next(bar for bar in found if bar.name.startswith(start))


@pytest.mark.parametrize(
    ("peer", "speed", "held"),
    [
        ("plain_bentoml", 300, True),
        ("plain_bentoml", 299, False),
        ("plain_tuned", 200, True),
        ("plain_tuned", 199, False),
        ("fastapi", 101, True),
        ("fastapi", 100, False),  # ahead of every peer, not level with it
        ("litserve", 100, False),
        ("other", 100, False),
        ("ceiling", 90, True),
        ("ceiling", 89, False),
    ],
)
def test_each_peer_has_its_bar(peer: str, speed: float, held: bool) -> None:
    found = bars(_rounds(peer, speed), [], [], ["640x480"])
    assert _bar(found, f"throughput, median / {peer}").held is held


def test_one_bad_round_under_the_ceiling_is_a_miss_although_the_median_is_good() -> None:
    found = bars(_rounds("ceiling", 95, 95, 84), [], [], ["640x480"])
    assert [bar.name for bar in missed(found)] == ["throughput, worst round / ceiling"]


@pytest.mark.parametrize(("p99_ms", "held"), [(80.0, True), (80.5, False), (None, None)])
def test_the_tail_at_half_load_is_held_against_the_idle_process(p99_ms: float | None, held: bool | None) -> None:
    runs = [an_open_run(p99_ms, in_process_ms=20.0), an_open_run(1.0, share=0.8), an_open_run(1.0, contestant="other")]
    runs += [an_open_run(99.0, in_process_ms=20.0, contestant="ceiling")]
    assert _bar(bars([], runs, [], ["640x480"]), "p99 at 50 % load").held is held


def test_of_several_runs_at_half_load_the_median_counts_each_beside_its_own_idle_process() -> None:
    runs = [an_open_run(p99_ms, in_process_ms=ms) for p99_ms, ms in ((60.0, 20.0), (100.0, 40.0), (900.0, 20.0))]
    assert _bar(bars([], runs, [], ["640x480"]), "p99 at 50 % load").measured == 3.0


@pytest.mark.parametrize(("p99_ms", "held"), [(5.0, True), (5.1, False)])
def test_without_a_model_the_median_p99_of_ours_counts(p99_ms: float, held: bool) -> None:
    overhead = [a_round("ours", 2000, n, p99_ms=value) for n, value in enumerate((1.0, p99_ms, 90.0))]
    overhead.append(a_round("bentoml", 500, p99_ms=1.0))
    assert _bar(bars([], [], overhead, ["640x480"]), "p99 with no model").held is held


def test_what_was_not_measured_is_not_missed() -> None:
    found = bars([], [], [], ["640x480"])
    assert len(found) == 9
    assert all(bar.held is None for bar in found)
    assert missed(found) == []
