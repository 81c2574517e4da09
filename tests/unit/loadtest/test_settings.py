"""Settings are refused with the option's name."""

import pytest

from loadtest.settings import parse_duration, settings_from_options
from lookout.errors import UsageError

GOOD = {"url": "http://127.0.0.1:8080", "users": 4, "spawn_rate": 2.0, "duration": "30s", "seed": 1}


@pytest.mark.parametrize(
    ("text", "seconds"), [("45", 45), ("45s", 45), ("2m", 120), ("1h", 3600), ("0.5s", 0.5), (" 7s ", 7)]
)
def test_reads_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-5s", "5 s", "1d", "1e3", "nan", "inf", "1m30s", "٣s٣"])
def test_refuses_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError, match="--duration"):
        parse_duration(text)


def test_a_trailing_slash_of_the_url_does_not_matter() -> None:
    assert settings_from_options(**{**GOOD, "url": "http://host:1/"}).url == "http://host:1"  # type: ignore[arg-type]  # a dict of mixed options


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("users", 0, "--users"),
        ("users", -3, "--users"),
        ("users", 10_001, "--users"),
        ("spawn_rate", 0.0, "--spawn-rate"),
        ("spawn_rate", float("nan"), "--spawn-rate"),
        ("spawn_rate", float("inf"), "--spawn-rate"),
        ("duration", "0s", "--duration"),
        ("duration", "25h", "--duration"),
        ("seed", -1, "--seed"),
        ("url", "127.0.0.1:8080", "not an http"),
        ("url", "ftp://host", "not an http"),
        ("url", "", "not an http"),
        ("url", "http://", "not an http"),
        ("url", "http://host:port", "not a URL"),
        ("url", "http://host:99999", "not a URL"),
        ("url", "http://[::1", "not a URL"),
        ("url", "http://host/?a=b", "query"),
    ],
)
def test_refuses_impossible_settings(option: str, value: object, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        settings_from_options(**{**GOOD, option: value})  # type: ignore[arg-type]  # wrong values are the point
    assert caught.value.exit_code == 64
    assert caught.value.remedy


def test_refuses_a_password_in_the_url_without_showing_it() -> None:
    with pytest.raises(UsageError, match="user name or password") as caught:
        settings_from_options(**{**GOOD, "url": "http://me:hunter2@host"})  # type: ignore[arg-type]  # a dict of mixed options
    assert "hunter2" not in str(caught.value)
