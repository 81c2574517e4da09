"""The same schedule at a multiple of its rate. Pure."""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from loadtest.arrivals import Closed, Open
from loadtest.commands.options import option
from lookout.errors import UsageError

_RATES = ("rate", "to_rate", "peak")


def scaled(arrivals: Open, times: float) -> Open:
    """Every rate multiplied. UsageError for a trace, whose starts are what they are."""
    if times == 1:
        return arrivals
    if arrivals.kind == "replay":
        raise UsageError("--times: a trace has no rate to multiply", "give a rate with --arrivals poisson, for example")
    fields: dict[str, Any] = arrivals.model_dump()
    for name in _RATES:
        if name in fields:
            fields[name] *= times
    for step in fields.get("steps", ()):
        step["rate"] *= times
    return _valid(fields, f"--times {times:g}: ")


def open_schedule(fields: dict[str, Any]) -> Open:
    """Arrivals from their fields. UsageError for a closed loop: nobody waits for answers that are not real."""
    if fields.get("kind") == Closed().kind:
        raise UsageError("--arrivals closed cannot be simulated", "use an open schedule such as poisson")
    return _valid(fields, "")


def _valid(fields: dict[str, Any], prefix: str) -> Open:
    try:
        found: Open = TypeAdapter(Annotated[Open, Field(discriminator="kind")]).validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        names = [part for part in first["loc"] if isinstance(part, str) and part != fields["kind"]]
        name = option(names[-1]) if names else "--arrivals"
        raise UsageError(
            f"{prefix}{name}: {first['msg'].removeprefix('Value error, ')}", "see: lookout load simulate --help"
        ) from error
    return found
