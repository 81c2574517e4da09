"""What a load run is asked to do: refused with the option's name before anything is sent."""

import re
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from loadtest.arrivals import MAX_STARTS, Arrivals, Poisson
from loadtest.gate.slo import SloTerm
from loadtest.photos.mix import Variant
from lookout import contract

DEFAULT_URL: Final = f"http://127.0.0.1:{contract.DOORS[contract.PRODUCTION]}"
REQUEST_TIMEOUT_S: Final = 30.0
"""A request without its whole answer after this time is an error of kind `timeout`."""

HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
_HEADER_VALUE: Final = re.compile(r"[ -~]*")
_OWN_HEADERS: Final = frozenset({"host", "content-type", "content-length", "transfer-encoding", "connection"})


class LoadSettings(BaseModel):
    """One run, as data: what is asked, when, of whom, and what must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = DEFAULT_URL
    path: Annotated[str, Field(pattern=r"^/[!-~]*$")] = contract.DETECT_PATH
    arrivals: Arrivals = Poisson(rate=20.0)
    duration_s: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] = 30.0
    seed: Annotated[int, Field(ge=0)] = 1
    """Decides the schedule and which photo goes with which start."""
    expect: Literal["any", "lookout"] = "lookout"
    """any: every status 2xx is correct. lookout: each answer must be the detector's and true of its photo."""
    photos: Annotated[tuple[Variant, ...], Field(min_length=1, max_length=20)] = (Variant(),)
    """What the photos are sent as, drawn by weight."""
    timeout_s: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = REQUEST_TIMEOUT_S
    max_in_flight: Annotated[int, Field(ge=1, le=20_000)] = 2_000
    """Starts beyond it are dropped, which makes the run invalid: it bounds the generator's memory."""
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    """That send; each takes its share of the schedule."""
    master: Annotated[str, Field(pattern=r"^.+:\d{1,5}$")] | None = None
    """HOST:PORT where workers of other machines join, as many as `processes`; None starts them here."""
    web_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Of Locust's own page while the run lasts, on 127.0.0.1."""
    headers: dict[HeaderName, SecretStr] = {}
    """Sent with each request; values are secrets, and neither results nor logs hold them."""
    slo: tuple[SloTerm, ...] = ()
    profile: str | None = None
    """Name of the profile it came from."""

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

    @field_validator("master")
    @classmethod
    def _port(cls, master: str | None) -> str | None:
        if master is not None and not 1 <= int(master.rpartition(":")[2]) <= 65_535:
            raise ValueError("a port lies between 1 and 65535")
        return master

    @field_validator("headers")
    @classmethod
    def _one_line(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"{name} is set by the generator itself")
            if not _HEADER_VALUE.fullmatch(value.get_secret_value()):
                raise ValueError(f"the value of {name} must be one line of visible ASCII")
        return headers

    def revealed(self) -> dict[str, Any]:
        """As plain data with the headers' values, for the processes that send and for nobody else."""
        headers = {name: value.get_secret_value() for name, value in self.headers.items()}
        return {**self.model_dump(mode="json"), "headers": headers}

    @model_validator(mode="after")
    def _waits_for_the_slow(self) -> Self:
        for term in self.slo:
            if term.measure == "p99" and self.timeout_s <= term.bound:
                raise ValueError(
                    f"a request given up after {self.timeout_s:g} s cannot show that it took longer than the "
                    f"{term.bound:g} s of the SLO: let --timeout be longer"
                )
        return self

    @model_validator(mode="after")
    def _peak_within_the_run(self) -> Self:
        if self.arrivals.kind == "spike" and self.arrivals.at_s >= self.duration_s:
            raise ValueError(
                f"the peak would begin at {self.arrivals.at_s:g} s, and the run ends after {self.duration_s:g} s"
            )
        return self

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        if self.arrivals.kind != "closed":
            starts = float(self.arrivals.expected(np.array([self.duration_s]))[0])
            if starts > MAX_STARTS:
                raise ValueError(
                    f"{starts:,.0f} starts are more than the {MAX_STARTS:,} of one run: "
                    "lower the rate or shorten the duration"
                )
        return self
