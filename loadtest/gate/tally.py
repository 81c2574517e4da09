"""Counting, for one term of an SLO, the requests that say something about it and those that break it. Pure.

The end of a run that was cut short is where a count goes wrong: requests still under way are the slow ones, and leaving
out just those would flatter the service. With `until_s` a count therefore takes only starts so old that their fate is
known whatever it is.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtest.gate.slo import SloTerm
from loadtest.result import DROPPED, UNFINISHED, Samples
from lookout import contract

_TIMEOUT: Final = "timeout"
"""Kind of error of a request that was given up, as loadtest/generator/answers.py calls it."""


class Tally(NamedTuple):
    """Requests that say something about a term, and those of them that break it."""

    trials: int
    violations: int


class Columns(NamedTuple):
    """Samples as arrays, one entry an intended start that the generator made; the starts it dropped are left out."""

    intended_s: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    """Infinite for a request that is unfinished or was given up: it would have taken longer than anyone waited."""
    correct: NDArray[np.bool_]
    unfinished: NDArray[np.bool_]


def columns(samples: Samples) -> Columns:
    """Arrays for tally. Dropped starts are the generator's fault: they make a run invalid, not a service bad."""
    error = samples.error
    made = np.array([not (kind or "").startswith(DROPPED) for kind in error], dtype=bool)
    waited = zip(samples.latency_ms, error, strict=True)
    latency_ms = [np.inf if ms is None or kind == _TIMEOUT else ms for ms, kind in waited]
    return Columns(
        intended_s=np.array(samples.intended_s, dtype=float)[made],
        latency_ms=np.array(latency_ms, dtype=float)[made],
        correct=np.array([kind is None for kind in error], dtype=bool)[made],
        unfinished=np.array([kind == UNFINISHED for kind in error], dtype=bool)[made],
    )


def tally(term: SloTerm, run: Columns, bound_s: float = contract.SLO_P99_S, until_s: float | None = None) -> Tally:
    """Trials and violations of a term; goodput counts answers within `bound_s`, p99 has a bound of its own.

    `until_s` is when a run was cut short, or the time of a look at a run that goes on, on the samples' clock; without
    it every request is taken as settled, one that is not as broken.
    p99: trials are correct answers and whatever took longer than the bound. errors: all starts; violations are all that
    were not answered correctly. goodput: all starts; violations are those without a correct answer in time.
    """
    if term.measure == "errors":
        known = _settled(run, until_s)
        return Tally(int(known.sum()), int((known & ~run.correct).sum()))
    bound_s = term.bound if term.measure == "p99" else bound_s
    slow = run.latency_ms > bound_s * 1000
    known = np.ones_like(slow) if until_s is None else run.intended_s + bound_s <= until_s
    if term.measure == "p99":
        return Tally(int((known & (slow | run.correct)).sum()), int((known & slow).sum()))
    return Tally(int(known.sum()), int((known & (slow | ~run.correct)).sum()))


def _settled(run: Columns, until_s: float | None) -> NDArray[np.bool_]:
    """Starts up to `until_s` and before the earliest unfinished one: an error often comes late, as a timeout does."""
    if until_s is None:
        return np.ones_like(run.correct)
    first_unfinished_s = run.intended_s[run.unfinished].min(initial=np.inf)
    settled: NDArray[np.bool_] = (run.intended_s <= until_s) & (run.intended_s < first_unfinished_s)
    return settled
