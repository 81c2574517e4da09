"""An SLO as data: the terms that the gate judges, and the words a person writes them in."""

import re
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lookout import contract
from lookout.errors import UsageError

Measure = Literal["p99", "errors", "goodput", "goodput_rate"]

WINDOWS_S: Final[dict[Measure, int]] = {
    "p99": contract.SLO_P99_WINDOW_S,
    "errors": contract.SLO_ERROR_WINDOW_S,
    "goodput": contract.SLO_GOODPUT_WINDOW_S,
    "goodput_rate": contract.SLO_GOODPUT_WINDOW_S,
}
FORM: Final = "p99<=100ms,errors<=0.1%,goodput>=98% (or goodput>=45/s), each with an optional window such as @60s"

_TERM: Final = re.compile(r"(?P<name>\w+)\s*(?P<relation>[<>]?=?)\s*(?P<value>[^@]*?)\s*(?:@\s*(?P<window>.+))?")
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|%|/s)?")
_WINDOW: Final = re.compile(r"(\d{1,6})(s|m|h)")
_WINDOW_S: Final = {"s": 1, "m": 60, "h": 3600}


class SloTerm(BaseModel):
    """One promise.

    `bound` is in seconds for p99, a ratio for errors and goodput, and requests a second for goodput_rate, which is
    judged against the intended rate of the run. `window_s` is the span that alerts look at; a run is judged whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: Measure
    bound: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    window_s: Annotated[int, Field(ge=1, le=86_400)]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.measure == "p99" and self.bound >= contract.SLO_P99_LIMIT_S:
            raise ValueError(f"a request is given up after {contract.SLO_P99_LIMIT_S:g} s: nothing could break it")
        if self.measure in ("errors", "goodput") and self.bound >= 1:
            raise ValueError("a share must lie between 0 and 100 %, and no finite number of requests shows either end")
        return self


DEFAULT_SLO = (
    SloTerm(measure="p99", bound=contract.SLO_P99_S, window_s=contract.SLO_P99_WINDOW_S),
    SloTerm(measure="errors", bound=contract.SLO_ERROR_RATIO, window_s=contract.SLO_ERROR_WINDOW_S),
)


def parse_slo(text: str) -> tuple[SloTerm, ...]:
    """The terms of `p99<=100ms,errors<=0.1%,goodput>=98%`, in the order written.

    UsageError names the term that cannot be read, cannot be kept or stands twice, and shows the right form.
    """
    terms = tuple(_term(part.strip()) for part in text.split(","))
    for i, term in enumerate(terms):
        if any(term.measure == earlier.measure for earlier in terms[:i]):
            raise _refused(format_term(term), f"{_name(term)} is promised twice")
    return terms


def format_term(term: SloTerm) -> str:
    """A term as a person writes it; its window is shown only where it is not the contract's."""
    bound = Decimal(repr(term.bound))
    if term.measure == "p99":
        text = f"p99<={_plain(bound * 1000)}ms"
    elif term.measure == "errors":
        text = f"errors<={_plain(bound * 100)}%"
    elif term.measure == "goodput":
        text = f"goodput>={_plain(bound * 100)}%"
    else:
        text = f"goodput>={_plain(bound)}/s"
    return text if term.window_s == WINDOWS_S[term.measure] else f"{text}@{term.window_s}s"


def format_slo(slo: tuple[SloTerm, ...]) -> str:
    """All terms, in the form that parse_slo reads."""
    return ",".join(format_term(term) for term in slo)


def latency_bound_s(slo: tuple[SloTerm, ...]) -> float:
    """Within which an answer is good: the bound of the p99 term, or the contract's where the SLO has none."""
    return next((term.bound for term in slo if term.measure == "p99"), contract.SLO_P99_S)


def _term(text: str) -> SloTerm:
    match = _TERM.fullmatch(text)
    if match is None:
        raise _refused(text, "it is not a term")
    name, relation = match["name"].lower(), match["relation"]
    if name not in ("p99", "errors", "goodput"):
        raise _refused(text, "a term is p99, errors or goodput")
    wanted = ">=" if name == "goodput" else "<="
    if relation != wanted:
        raise _refused(text, f"{name} is bounded by {wanted}")
    measure, bound = _bound(text, name, match["value"])
    window_s = WINDOWS_S[measure] if match["window"] is None else _window(text, match["window"])
    try:
        return SloTerm(measure=measure, bound=bound, window_s=window_s)
    except ValidationError as error:
        first = error.errors()[0]
        field = f"{first['loc'][0]}: " if first["loc"] else ""
        raise _refused(text, field + first["msg"].removeprefix("Value error, ")) from error


def _bound(text: str, name: str, value: str) -> tuple[Measure, float]:
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise _refused(text, f"{value!r} is not a number with a unit")
    number, unit = Decimal(match[1]), match[2]
    if name == "p99":
        if unit not in ("ms", "s"):
            raise _refused(text, "a latency needs its unit, ms or s")
        return "p99", float(number / 1000 if unit == "ms" else number)
    share = float(number / 100 if unit == "%" else number)
    if name == "errors" and unit in ("%", None):
        return "errors", share
    if name == "goodput" and unit in ("%", None):
        return "goodput", share
    if name == "goodput" and unit == "/s":
        return "goodput_rate", share
    raise _refused(text, f"{name} takes no {unit}")


def _window(text: str, window: str) -> int:
    match = _WINDOW.fullmatch(window.strip())
    if match is None:
        raise _refused(text, f"{window!r} is not a window of whole seconds, minutes or hours")
    return int(match[1]) * _WINDOW_S[match[2]]


def _name(term: SloTerm) -> str:
    return "goodput as a rate" if term.measure == "goodput_rate" else term.measure


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _refused(term: str, why: str) -> UsageError:
    return UsageError(f"--slo: {term!r}: {why}", f"write it as {FORM}")
