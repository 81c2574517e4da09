"""The command line's words become settings, and each refusal names the option."""

from pathlib import Path
from typing import Any

import pytest

from loadtest.commands.options import (
    arrivals_from,
    checked,
    parse_duration,
    parse_headers,
    parse_photos,
    parse_steps,
    settings_from,
)
from loadtest.gate.slo import parse_slo
from loadtest.profiles import PROFILES, find_profile
from lookout.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("45", 45), ("45s", 45), ("2m", 120), ("1h", 3600), ("0.5s", 0.5), (" 7s ", 7)]
)
def test_reads_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-5s", "5 s", "1d", "1e3", "nan", "inf", "1m30s", "٣s"])
def test_refuses_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError, match="--duration"):
        parse_duration(text)


def test_reads_steps() -> None:
    assert parse_steps("10:30s,20:1m") == [{"rate": 10, "for_s": 30}, {"rate": 20, "for_s": 60}]


@pytest.mark.parametrize("text", ["", "10", "ten:30s", "10:soon", "10:30s,"])
def test_refuses_what_are_no_steps(text: str) -> None:
    with pytest.raises(UsageError, match="--steps"):
        parse_steps(text)


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("sawtooth", {}, "--arrivals: 'sawtooth' is not one of constant, poisson"),
        ("ramp", {"rate": 1.0}, "--arrivals ramp needs --to-rate"),
        ("spike", {"rate": 1.0, "peak": 9.0}, "needs --at and --for"),
        ("poisson", {"rate": 1.0, "peak": 9.0}, "--arrivals poisson does not take --peak"),
        ("closed", {"users": 1, "rate": 2.0}, "--arrivals closed does not take --rate"),
    ],
)
def test_each_kind_of_arrivals_takes_its_own_options(kind: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        arrivals_from(kind, given, 30.0)


def test_a_trace_becomes_part_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("0\n0.5\n")
    fields = arrivals_from("replay", {"trace": tmp_path / "trace.csv"}, None)
    assert fields == {"kind": "replay", "trace": "trace.csv", "times_s": [0.0, 0.5]}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"duration_s": 0}, "--duration: .*got 0"),
        ({"arrivals": {"kind": "poisson", "rate": -3}}, "--rate: .*got -3"),
        ({"arrivals": {"kind": "step", "steps": [{"rate": -1, "for_s": 1}]}}, "--steps: .*got -1"),
        ({"url": "ftp://host"}, "--url: .*not an http"),
        ({"arrivals": {"kind": "poisson", "rate": 100_000}}, "more than the 2,000,000 of one run: lower the rate"),
    ],
)
def test_a_refusal_names_the_option(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        checked(fields)
    assert caught.value.exit_code == 64
    assert caught.value.remedy


def test_a_password_is_not_shown() -> None:
    with pytest.raises(UsageError, match="user name or password") as caught:
        checked({"url": "http://me:hunter2@host"})
    assert "hunter2" not in str(caught.value)


def test_a_header_with_an_impossible_value_is_refused_without_showing_it() -> None:
    with pytest.raises(UsageError, match="--header: the value of Authorization must be one line") as caught:
        checked({"headers": {"Authorization": "Bearer hunter2\r\nX: y"}})
    assert "hunter2" not in str(caught.value)


def test_reads_headers_and_refuses_what_is_none_without_showing_it() -> None:
    assert parse_headers(["Authorization: Bearer a:b"]) == {"Authorization": "Bearer a:b"}
    with pytest.raises(UsageError, match="--header: number 2") as caught:
        parse_headers(["A: b", "hunter2"])
    assert "hunter2" not in str(caught.value)


def test_without_options_it_is_a_gentle_open_loop() -> None:
    settings = settings_from(None, None, {}, {})
    assert settings.arrivals.model_dump() == {"kind": "poisson", "rate": 20.0}
    assert settings.duration_s == 30


def test_options_override_a_profile_and_leave_the_rest_of_it() -> None:
    settings = settings_from(find_profile("spike"), None, {"peak": 80.0}, {"duration_s": 240.0})
    assert settings.arrivals.model_dump() == {**PROFILES["spike"].arrivals.model_dump(), "peak": 80.0}
    assert (settings.profile, settings.duration_s, settings.slo) == ("spike", 240, PROFILES["spike"].slo)


def test_other_arrivals_replace_those_of_the_profile() -> None:
    settings = settings_from(find_profile("spike"), "poisson", {"rate": 5.0}, {"slo": parse_slo("errors<=1%")})
    assert settings.arrivals.model_dump() == {"kind": "poisson", "rate": 5.0}
    assert [term.measure for term in settings.slo] == ["errors"]


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_a_run_that_can_be_made(name: str) -> None:
    settings = settings_from(find_profile(name), None, {}, {})
    assert settings.profile == name
    assert PROFILES[name].intent


def test_an_unknown_profile_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="release-gate"):
        find_profile("hurricane")


def test_a_trace_is_replayed_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "trace").write_text("0\n2.5\n")
    settings = settings_from(None, "replay", {"trace": tmp_path / "trace"}, {})
    assert settings.duration_s == 3


def test_steps_are_run_to_the_end_of_the_last() -> None:
    assert settings_from(None, "step", {"steps": parse_steps("10:30s,20:1m")}, {}).duration_s == 90


def test_reads_photos() -> None:
    settings = settings_from(None, None, {}, {"photos": parse_photos("jpeg:3,webp@1280")})
    first, second = settings.photos
    assert (first.format, first.long_side, first.weight) == ("jpeg", None, 3)
    assert (second.format, second.long_side, second.weight) == ("webp", 1280, 1)


@pytest.mark.parametrize("text", ["", "jpeg@", "jpeg:", "jpeg:-1", "jpeg,,png", "JPEG"])
def test_refuses_what_are_no_photos(text: str) -> None:
    with pytest.raises(UsageError, match="--photos"):
        parse_photos(text)


@pytest.mark.parametrize("text", ["tiff", "jpeg@8", "jpeg:0"])
def test_refuses_impossible_photos(text: str) -> None:
    with pytest.raises(UsageError, match="--photos"):
        settings_from(None, None, {}, {"photos": parse_photos(text)})
