"""The same schedule at a multiple of its rate. Pure."""

from typing import Any

from pydantic import TypeAdapter

from loadtest.arrivals import Closed, Open
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
    return type(arrivals).model_validate(fields)


def open_schedule(fields: dict[str, Any]) -> Open:
    """Arrivals from their fields. UsageError for a closed loop: nobody waits for answers that are not real."""
    if fields.get("kind") == Closed().kind:
        raise UsageError("--arrivals closed cannot be simulated", "use an open schedule such as poisson")
    found: Open = TypeAdapter(Open).validate_python(fields)
    return found
