"""What a load run is asked to do: refused with the option's name before anything is sent."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lookout import contract
from lookout.errors import UsageError

DEFAULT_URL: Final = f"http://127.0.0.1:{contract.DOORS[contract.PRODUCTION]}"
REQUEST_TIMEOUT_S: Final = 30.0
"""A request without an answer after this time is an error of kind `timeout`."""

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")
_SECONDS: Final = {None: 1, "s": 1, "m": 60, "h": 3600}


class LoadSettings(BaseModel):
    """A closed-loop run: `users` clients that each send the next photo when the last answer is there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = DEFAULT_URL
    users: Annotated[int, Field(ge=1, le=10_000)] = 4
    spawn_rate: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] = 4.0
    """Users started a second."""
    duration_s: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] = 30.0
    seed: Annotated[int, Field(ge=0)] = 1
    """Decides which photo each user sends next."""

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError as error:
            raise ValueError(f"{url!r} is not a URL: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not an http:// or https:// URL")
        if parts.username or parts.password:
            raise ValueError("a URL with a user name or password would end up in the report: leave them out")
        if parts.query or parts.fragment:
            raise ValueError(f"{url!r} must not carry a query or a fragment: give the server's base URL")
        return url.rstrip("/")


def settings_from_options(*, url: str, users: int, spawn_rate: float, duration: str, seed: int) -> LoadSettings:
    """Settings from the command line's words. UsageError names the option and what it takes."""
    duration_s = parse_duration(duration)
    try:
        return LoadSettings(url=url, users=users, spawn_rate=spawn_rate, duration_s=duration_s, seed=seed)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).removesuffix("_s").replace("_", "-")
        reason = first["msg"].removeprefix("Value error, ")
        shown = "" if option == "--url" else f" (got {first['input']})"
        raise UsageError(f"{option}: {reason}{shown}", "see: lookout load run --help") from error


def parse_duration(text: str) -> float:
    """Seconds of `45`, `45s`, `2m` or `1h`. UsageError for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--duration: {text!r} is not a length of time", "write it as 45s, 2m or 1h")
    return float(match[1]) * _SECONDS[match[2]]
