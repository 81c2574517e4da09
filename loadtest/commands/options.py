"""The words of `lookout load run` turned into settings; every refusal names the option."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from loadtest.profiles import Profile
from loadtest.schedule.trace import read_trace
from loadtest.settings import LoadSettings
from lookout.errors import UsageError

_HELP: Final = "see: lookout load run --help"
_STEPS: Final = "write steps as 10:30s,20:1m"
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?", re.ASCII)
_VARIANT: Final = re.compile(r"([a-z]+)(?:@(\d{1,5}))?(?::(\d{1,6}(?:\.\d{1,6})?))?", re.ASCII)
_SECONDS: Final = {None: 1, "s": 1, "m": 60, "h": 3600}
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "constant": ("rate",),
    "poisson": ("rate",),
    "ramp": ("rate", "to_rate"),
    "step": ("steps",),
    "spike": ("rate", "peak", "at_s", "for_s"),
    "diurnal": ("rate", "peak", "period_s"),
    "replay": ("trace",),
    "closed": ("users",),
}
KINDS: Final = tuple(_NEEDS)
_SPACED: Final = ("ramp", "step", "spike", "diurnal")
_DEFAULTS: Final[dict[str, Any]] = {"poisson": {"rate": 20.0}, "constant": {"rate": 20.0}, "closed": {"users": 4}}
_DEFAULT_DURATION_S: Final = 30.0
_LISTS: Final = {"headers": "--header", "photos": "--photos", "steps": "--steps", "times_s": "--trace"}


def settings_from(
    profile: Profile | None, kind: str | None, given: dict[str, Any], chosen: dict[str, Any]
) -> LoadSettings:
    """Settings of a profile, or of the defaults, with what was given on the command line put over them.

    `given` holds the options of arrivals by field, `chosen` all others; None means left out. UsageError names the
    option that is wrong and what it takes.
    """
    fields = {name: value for name, value in chosen.items() if value is not None}
    based: dict[str, Any] = {}
    if profile is not None:
        fields = {"profile": profile.name, "duration_s": profile.duration_s, "slo": profile.slo, **fields}
        if kind in (None, profile.arrivals.kind):
            based = profile.arrivals.model_dump(exclude={"over_s", "spacing"})
            kind = based.pop("kind")
    kind = kind or "poisson"
    wanted = {**_DEFAULTS.get(kind, {}), **based, **{name: value for name, value in given.items() if value is not None}}
    arrivals = arrivals_from(kind, wanted, fields.get("duration_s"))
    if "duration_s" not in fields:
        fields["duration_s"] = _whole_length_s(kind, arrivals)
    return checked({**fields, "arrivals": arrivals})


def schedule_options(
    *,
    rate: float | None,
    to_rate: float | None,
    peak: float | None,
    at: str | None,
    for_: str | None,
    period: str | None,
    steps: str | None,
    trace: Path | None,
) -> dict[str, Any]:
    """The options of a schedule by field, None where not given; lengths of time and steps are read from their words."""
    return {
        "rate": rate,
        "to_rate": to_rate,
        "peak": peak,
        "at_s": None if at is None else parse_duration(at, "--at"),
        "for_s": None if for_ is None else parse_duration(for_, "--for"),
        "period_s": None if period is None else parse_duration(period, "--period"),
        "steps": None if steps is None else parse_steps(steps),
        "trace": trace,
    }


def arrivals_from(kind: str, given: dict[str, Any], duration_s: float | None) -> dict[str, Any]:
    """The fields of the arrivals of `kind` from the options `given`. UsageError for one too few or too many."""
    if kind not in _NEEDS:
        raise UsageError(f"--arrivals: {kind!r} is not one of {', '.join(KINDS)}", _HELP)
    allowed = _NEEDS[kind] + (("spacing",) if kind in _SPACED else ())
    missing = [option(name) for name in _NEEDS[kind] if name not in given]
    if missing:
        raise UsageError(f"--arrivals {kind} needs {' and '.join(missing)}", _HELP)
    strange = [option(name) for name in given if name not in allowed]
    if strange:
        raise UsageError(f"--arrivals {kind} does not take {' or '.join(strange)}", _HELP)
    fields = {"kind": kind, **given}
    if kind == "ramp":
        fields["over_s"] = duration_s or _DEFAULT_DURATION_S
    if kind == "replay":
        fields |= {"trace": fields["trace"].name, "times_s": read_trace(fields["trace"])}
    return fields


def _whole_length_s(kind: str, arrivals: dict[str, Any]) -> float:
    """To the end of a trace or of the last step; other arrivals have no end of their own."""
    if kind == "replay":
        return float(math.floor(arrivals["times_s"][-1]) + 1)
    if kind == "step":
        return float(sum(step["for_s"] for step in arrivals["steps"]))
    return _DEFAULT_DURATION_S


def checked(fields: dict[str, Any]) -> LoadSettings:
    """Settings of these fields. UsageError names the option that is wrong and what it takes."""
    try:
        return LoadSettings.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = [str(part) for part in first["loc"] if isinstance(part, str)]
        reason = first["msg"].removeprefix("Value error, ")
        if not where or where[-1] in KINDS:
            raise UsageError(f"load run: {reason}", _HELP) from error
        # Of what stands in one option's text, the option is named and not the part.
        whole = next((part for part in where if part in _LISTS), None)
        name = _LISTS[whole] if whole else option(where[-1])
        shown = "" if name in ("--url", "--header") else f" (got {first['input']})"
        raise UsageError(f"{name}: {reason}{shown}", _HELP) from error


def option(field: str) -> str:
    """How a field is called on the command line."""
    return "--" + {"web_port": "web"}.get(field, field).removesuffix("_s").replace("_", "-")


def parse_duration(text: str, name: str = "--duration") -> float:
    """Seconds of `45`, `45s`, `2m` or `1h`. UsageError for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{name}: {text!r} is not a length of time", "write it as 45s, 2m or 1h")
    return float(match[1]) * _SECONDS[match[2]]


def parse_steps(text: str) -> list[dict[str, float]]:
    """Steps of `10:30s,20:1m`: rate and how long. UsageError for anything else."""
    steps = []
    for part in text.split(","):
        rate, colon, length = part.partition(":")
        try:
            steps.append(
                {"rate": float(rate), "for_s": parse_duration(length, "--steps") if colon else _no_length(part)}
            )
        except ValueError as error:
            raise UsageError(f"--steps: {rate!r} is not a rate", _STEPS) from error
    return steps


def parse_photos(text: str) -> list[dict[str, Any]]:
    """Variants of `jpeg:3,webp@1280`: format, long side in pixels, weight. UsageError for anything else."""
    variants = []
    for part in text.split(","):
        match = _VARIANT.fullmatch(part.strip())
        if match is None:
            raise UsageError(f"--photos: {part!r} is no kind of photo", "write photos as jpeg:3,webp@1280,png@320")
        words = {"format": match[1], "long_side": match[2], "weight": match[3]}
        variants.append({name: value for name, value in words.items() if value is not None})
    return variants


def parse_headers(lines: Sequence[str]) -> dict[str, str]:
    """Headers of `Name: value`. UsageError, which shows no value, for anything else."""
    headers = {}
    for number, line in enumerate(lines, 1):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"--header: number {number} has no name and value", "write it as 'Name: value'")
        headers[name.strip()] = value.strip()
    return headers


def _no_length(part: str) -> NoReturn:
    raise UsageError(f"--steps: {part!r} does not say how long", _STEPS)
