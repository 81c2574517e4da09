"""Settings are refused by whoever reads them, whatever road they came by."""

import pytest
from pydantic import ValidationError

from loadtest.arrivals import Closed, Poisson
from loadtest.settings import LoadSettings


def test_a_trailing_slash_of_the_url_does_not_matter() -> None:
    assert LoadSettings(url="http://host:1/").url == "http://host:1"


def test_settings_come_back_from_json_with_their_kind_of_arrivals() -> None:
    settings = LoadSettings(arrivals=Closed(users=3))
    assert LoadSettings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("duration_s", 0, "greater than 0"),
        ("duration_s", 90_000, "less than or equal to 86400"),
        ("seed", -1, "greater than or equal to 0"),
        ("timeout_s", float("nan"), "finite"),
        ("max_in_flight", 0, "greater than or equal to 1"),
        ("master", "5557", "match pattern"),
        ("master", "0.0.0.0:99999", "between 1 and 65535"),
        ("path", "v1/detect", "match pattern"),
        ("path", "/v1/de tect", "match pattern"),
        ("url", "127.0.0.1:8080", "not an http"),
        ("url", "ftp://host", "not an http"),
        ("url", "", "not an http"),
        ("url", "http://", "not an http"),
        ("url", "http://host:port", "not a URL"),
        ("url", "http://host:99999", "not a URL"),
        ("url", "http://[::1", "not a URL"),
        ("url", "http://host/?a=b", "query"),
        ("arrivals", {"kind": "poisson", "rate": 0}, "greater than 0"),
        ("arrivals", {"kind": "sawtooth"}, "does not match any of the expected tags"),
    ],
)
def test_refuses_impossible_settings(field: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LoadSettings.model_validate({field: value})


def test_refuses_more_starts_than_fit_in_a_result() -> None:
    with pytest.raises(ValidationError, match="3,600,000 starts are more than the 2,000,000"):
        LoadSettings(arrivals=Poisson(rate=1000), duration_s=3600)


def test_refuses_a_password_in_the_url_without_showing_it() -> None:
    with pytest.raises(ValidationError, match="user name or password") as caught:
        LoadSettings(url="http://me:hunter2@host")
    assert "hunter2" not in str(caught.value.errors()[0]["msg"])
