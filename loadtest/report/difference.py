"""What a comparison says, in plain words: the same on screen and in the report."""

from loadtest.comparison.compare import Comparison, Difference
from loadtest.report.page import Table
from loadtest.report.words import UNKNOWN, milliseconds


def conclusion(comparison: Comparison) -> tuple[str, list[str]]:
    """The outcome in a few words, and a sentence for each figure."""
    real = [difference for difference in comparison.differences if difference.significant]
    told = [difference for difference in comparison.differences if difference.significant is not None]
    if not told:
        word = "Too little to compare"
    elif not real:
        word = "No difference that chance could not explain"
    else:
        sides = {
            "worse": [difference.name for difference in real if _change(difference) > 0],
            "better": [difference.name for difference in real if _change(difference) < 0],
        }
        parts = [f"{side} in {_list(names)}" for side, names in sides.items() if names]
        word = f"The second run is {' and '.join(parts)}"
    return word, [_sentence(difference) for difference in comparison.differences]


def differences(comparison: Comparison) -> Table:
    """One line a tested figure."""
    return Table(
        ("tested", "first", "second", "difference", "interval", "beyond chance"),
        tuple(
            (
                difference.name,
                _value(difference, difference.first),
                _value(difference, difference.second),
                UNKNOWN if difference.low is None else _signed(difference, _change(difference)) + _percent(difference),
                _interval(difference),
                {True: "yes", False: "no", None: "cannot be told"}[difference.significant],
            )
            for difference in comparison.differences
        ),
    )


def _sentence(difference: Difference) -> str:
    name = "The share of errors" if difference.unit == "ratio" else difference.name
    if difference.significant is None:
        return f"{name}: cannot be compared: {difference.reason}."
    if not difference.significant:
        return f"{name}: no difference beyond chance; the interval of the difference is {_interval(difference)}."
    change = _change(difference)
    return (
        f"{name}: {'higher' if change > 0 else 'lower'} in the second run by {_value(difference, abs(change))}"
        f"{_percent(difference)}, interval {_interval(difference)}."
    )


def _change(difference: Difference) -> float:
    return (difference.second or 0.0) - (difference.first or 0.0)


def _percent(difference: Difference) -> str:
    return f" ({100 * _change(difference) / difference.first:+.1f} %)" if difference.first else ""


def _interval(difference: Difference) -> str:
    if difference.low is None or difference.high is None:
        return UNKNOWN
    return f"{_signed(difference, difference.low)} to {_signed(difference, difference.high)}"


def _value(difference: Difference, value: float | None) -> str:
    if value is None or difference.unit == "ms":
        return milliseconds(value)
    return f"{100 * value:.3f} %"


def _signed(difference: Difference, value: float) -> str:
    return ("-" if value < 0 else "+") + _value(difference, abs(value))


def _list(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " * (len(names) > 1) + names[-1]
