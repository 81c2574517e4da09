"""What a measured ceiling says of a run to come."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtest.arrivals import Arrivals, Closed, Constant, Poisson, Ramp, Replay, Spike
from loadtest.ceiling.command import row
from loadtest.ceiling.record import Attempt, Ceiling, check_rate, file, load_ceiling
from loadtest.machine import processor
from loadtest.settings import LoadSettings
from lookout.errors import UsageError


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def measured(rate_per_s: float = 1_000) -> Ceiling:
    run = Attempt(
        rate_per_s=rate_per_s, starts=4_000, late_ratio=0.004, lag_p99_ms=3.2, lost=0, cpu_cores=0.6, server_p99_ms=0.1
    )
    return Ceiling(
        measured_at=datetime(2026, 1, 2, tzinfo=UTC), command="lookout load ceiling", locust="2.47.0",
        processor=processor(), cores=2, photos=("chelsea",), expect="lookout", seed=1, step_s=4, per_core=run,
        attempts=(run,),
    )  # fmt: skip


def settings(arrivals: Arrivals, processes: int = 1) -> LoadSettings:
    return LoadSettings(arrivals=arrivals, duration_s=60, processes=processes)


def test_survives_its_file() -> None:
    path = measured().save()
    assert path == file()
    assert load_ceiling() == measured()


def test_without_a_measurement_nothing_is_said() -> None:
    assert load_ceiling() is None
    assert check_rate(settings(Poisson(rate=9_000))) is None


def test_a_file_of_another_kind_counts_as_none() -> None:
    file().parent.mkdir(parents=True)
    file().write_text('{"schema_version": 9}')
    assert load_ceiling() is None


def test_room_is_no_news_little_room_is_a_warning_and_none_is_refused() -> None:
    measured(1_000).save()
    assert check_rate(settings(Poisson(rate=800))) is None
    warning = check_rate(settings(Constant(rate=900)))
    assert warning is not None
    assert "900 starts a second; on this machine the generator keeps 1,000 at most" in warning
    with pytest.raises(UsageError, match="reaches 1,001 starts a second") as refused:
        check_rate(settings(Poisson(rate=1_001)))
    assert "lookout load ceiling" in str(refused.value.remedy)


def test_more_processes_have_more_room() -> None:
    measured(1_000).save()
    assert check_rate(settings(Poisson(rate=1_500), processes=2)) is None


def test_processes_beyond_the_cores_have_none() -> None:
    measured(1_000).save()
    with pytest.raises(UsageError, match="keeps 2,000 at most with --processes 8"):
        check_rate(settings(Poisson(rate=2_500), processes=8))


def test_a_ceiling_of_another_machine_says_nothing() -> None:
    measured(10).model_copy(update={"processor": "another"}).save()
    assert check_rate(settings(Poisson(rate=9_000))) is None


def test_a_run_that_checks_no_answer_is_warned_by_a_ceiling_that_did_and_not_refused() -> None:
    measured(1_000).save()
    warning = check_rate(settings(Poisson(rate=1_500)).model_copy(update={"expect": "any"}))
    assert warning is not None
    assert "reaches 1,500 starts a second" in warning


def test_a_trace_is_judged_by_its_busiest_second() -> None:
    measured(100).save()
    burst = tuple(30 + i / 500 for i in range(200))
    with pytest.raises(UsageError, match="reaches 200 starts a second"):
        check_rate(settings(Replay(trace="burst", times_s=(0.0, *burst))))


@pytest.mark.parametrize(
    "arrivals",
    [Ramp(rate=10, to_rate=1_200, over_s=60), Spike(rate=10, peak=1_200, at_s=30, for_s=5)],
    ids=["ramp", "spike"],
)
def test_a_rate_that_varies_is_judged_by_its_highest(arrivals: Arrivals) -> None:
    measured(1_000).save()
    with pytest.raises(UsageError, match="reaches 1,"):
        check_rate(settings(arrivals))


def test_a_closed_loop_has_no_rate_to_judge() -> None:
    measured(1).save()
    assert check_rate(settings(Closed(users=100))) is None


def test_a_run_shows_as_a_line() -> None:
    run = measured().per_core
    assert row(run).split() == ["1,000", "0.4%", "3.2", "ms", "0.60", "yes"]
    assert row(run.model_copy(update={"late_ratio": 0.2})).endswith("no")
    assert row(run.model_copy(update={"lost": 1_200})).endswith("no, 1,200 without a right answer")
