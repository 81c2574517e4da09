"""The words of `lookout load run` turned into settings; every refusal names the option."""

import re
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from loadtest.settings import LoadSettings
from loadtest.trace import read_trace
from lookout.errors import UsageError

_HELP: Final = "see: lookout load run --help"
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?", re.ASCII)
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
_MAY: Final[dict[str, tuple[str, ...]]] = dict.fromkeys(("ramp", "step", "spike", "diurnal"), ("spacing",))


def parse_duration(text: str, option: str = "--duration") -> float:
    """Seconds of `45`, `45s`, `2m` or `1h`. UsageError for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{option}: {text!r} is not a length of time", "write it as 45s, 2m or 1h")
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
            raise UsageError(f"--steps: {rate!r} is not a rate", "write steps as 10:30s,20:1m") from error
    return steps


def arrivals_from_options(kind: str, given: dict[str, Any], duration_s: float | None) -> dict[str, Any]:
    """The fields of the arrivals of `kind`. `given` holds the options by field, None where left out."""
    if kind not in _NEEDS:
        raise UsageError(f"--arrivals: {kind!r} is not one of {', '.join(KINDS)}", _HELP)
    needed, allowed = _NEEDS[kind], _NEEDS[kind] + _MAY.get(kind, ())
    missing = [option(name) for name in needed if given.get(name) is None]
    if missing:
        raise UsageError(f"--arrivals {kind} needs {' and '.join(missing)}", _HELP)
    strange = [option(name) for name, value in given.items() if value is not None and name not in allowed]
    if strange:
        raise UsageError(f"--arrivals {kind} does not take {' or '.join(strange)}", _HELP)
    fields = {name: given[name] for name in allowed if given.get(name) is not None}
    if kind == "ramp":
        fields["over_s"] = duration_s
    if kind == "replay":
        path = Path(fields.pop("trace"))
        fields |= {"trace": path.name, "times_s": read_trace(path)}
    return {"kind": kind, **fields}


def checked(fields: dict[str, Any]) -> LoadSettings:
    """Settings of these fields. UsageError names the option that is wrong and what it takes."""
    try:
        return LoadSettings.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = [str(part) for part in first["loc"] if not isinstance(part, int)]
        reason = first["msg"].removeprefix("Value error, ")
        name = option(where[-1]) if where else "load run"
        shown = "" if name in ("--url", "--header") or not where else f" (got {first['input']})"
        raise UsageError(f"{name}: {reason}{shown}", _HELP) from error


def option(field: str) -> str:
    """How a field is called on the command line."""
    return "--" + field.removesuffix("_s").replace("_", "-")


def _no_length(part: str) -> NoReturn:
    raise UsageError(f"--steps: {part!r} does not say how long", "write steps as 10:30s,20:1m")
