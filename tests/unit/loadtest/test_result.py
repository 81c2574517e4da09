"""What a result says, and that it survives the way to disk and back."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from loadtest.result import Samples, load_result
from lookout.errors import LookoutError
from tests.unit.loadtest import build


def test_latency_leaves_out_failed_requests() -> None:
    result = build.load_result([10.0, 20.0, 5000.0], [None, None, "timeout"])
    assert result.latency_ms is not None
    assert result.latency_ms.max == 20.0
    assert result.errors_by_kind == {"timeout": 1}
    assert (result.counts.ok, result.counts.errors) == (2, 1)


def test_throughput_leaves_out_answers_that_came_after_the_end() -> None:
    result = build.load_result([100.0, 9000.0], duration_s=2.0)  # the second starts at 1 s and arrives at 10 s
    assert result.throughput_per_s == pytest.approx(0.5)


def test_without_a_correct_answer_there_is_no_latency_and_the_run_is_not_ok() -> None:
    result = build.load_result([3.0], ["status 503"])
    assert result.latency_ms is None
    assert not result.ok


def test_a_run_that_sent_nothing_is_not_ok() -> None:
    assert not build.load_result([]).ok


def test_a_request_that_never_ended_spoils_a_whole_run() -> None:
    result = build.load_result([1.0, None], [None, "unfinished"])
    assert (result.counts.unfinished, result.counts.errors, result.counts.dropped) == (1, 0, 0)
    assert not result.ok


def test_a_request_cut_off_by_an_interruption_is_no_error_of_the_server() -> None:
    result = build.load_result([1.0, None], [None, "unfinished"], interrupted=True)
    assert result.counts.unfinished == 1
    assert result.errors_by_kind == {}
    assert result.ok


def test_a_start_the_generator_dropped_is_late_and_its_own_failure() -> None:
    result = build.load_result([1.0, None])
    assert (result.counts.dropped, result.counts.errors, result.generator.late_ratio) == (1, 0, 0.5)
    assert not result.ok


def test_more_than_five_milliseconds_behind_is_late() -> None:
    generator = build.load_result([10.0] * 4, lag_ms=[0.0, 5.0, 5.1, 9.0]).generator
    assert generator.late_ratio == 0.5
    assert generator.lag_max_ms == 9.0


def test_service_time_leaves_the_lag_out() -> None:
    result = build.load_result([30.0], lag_ms=[10.0])
    assert result.latency_ms is not None
    assert result.service_ms is not None
    assert (result.latency_ms.max, result.service_ms.max) == (30.0, 20.0)


def test_comes_back_from_disk_unchanged_to_the_last_digit(tmp_path: Path) -> None:
    result = build.load_result([0.1 + 0.2, 1 / 3, 12.000000000000002])
    result.save(tmp_path / "out.json")
    assert load_result(tmp_path / "out.json") == result


def test_the_file_names_schema_loop_seed_and_arrivals(tmp_path: Path) -> None:
    build.load_result([1.0]).save(tmp_path / "out.json")
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["schema_version"] == 2
    assert content["loop"] == "open"
    assert content["settings"]["seed"] == 1
    assert content["settings"]["arrivals"] == {"kind": "poisson", "rate": 0.1}
    assert content["models"] == [build.MODEL]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not a load result"),
        ("[]", "not a load result"),
        ("{}", "schema_version"),
        ('{"schema_version": 99}', "schema version 99, this program reads 2"),
        ('{"schema_version": 2}', "loop"),
    ],
)
def test_refuses_a_file_that_is_no_result(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(LookoutError, match=reason):
        load_result(path)


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="cannot read"):
        load_result(tmp_path / "none.json")


def test_refuses_a_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "photo.json"
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(LookoutError, match="cannot read"):
        load_result(path)


def test_refuses_samples_of_unequal_length() -> None:
    with pytest.raises(ValidationError, match="one entry for each intended start"):
        Samples(intended_s=(0.0,))
