"""Two runs beside each other: what differs by more than chance, and what makes them hard to compare. Pure.

Latencies of correct answers are compared by their percentiles, with intervals of a block bootstrap over time
(`resampling.py`), because neighbouring requests share a queue. Shares of errors have to pass two tests:
Fisher's exact one, which is right for rare errors and takes each for independent, and the same bootstrap, which knows
that errors come in bursts and is too sure of itself when there are hardly any. Four figures are tested, each at
98.75 %, so that all of them together are wrong in at most 5 of 100 pairs of equal runs (Bonferroni).
"""

from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.stats import fisher_exact  # type: ignore[import-untyped]  # scipy ships no types

from loadtest.comparison import resampling
from loadtest.comparison.resampling import LEAST_BLOCKS, Cells, Estimate
from loadtest.result import LoadResult

TESTED: Final = (50.0, 90.0, 99.0)
TOGETHER: Final = 0.95
"""Confidence of all statements of one comparison together."""
EACH: Final = 1 - (1 - TOGETHER) / (len(TESTED) + 1)
_IN_TAIL: Final = 5
"""Answers that have to lie beyond a percentile before its interval means anything."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Difference(_Frozen):
    """One figure of both runs. `low` to `high` is the interval of second minus first, in the same unit."""

    name: str
    unit: Literal["ms", "ratio"]
    first: float | None
    second: float | None
    low: float | None
    high: float | None
    significant: bool | None
    """Whether chance alone is ruled out; None where there is too little to say."""
    reason: str
    """How that was decided, in one sentence."""


class Comparison(_Frozen):
    """What two results say about each other."""

    schema_version: Literal[1] = 1
    first: str
    second: str
    """Files, or other names of the runs."""
    confidence: float
    """Of every interval by itself."""
    confidence_together: float
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]
    """What differs between the runs beside what was found, one sentence each."""
    seed: int
    """Of the resampling."""


def compare(first: LoadResult, second: LoadResult, names: tuple[str, str], seed: int = 1) -> Comparison:
    """Every tested figure of both runs; the same two results and seed give the same answer."""
    random = np.random.default_rng(seed)
    runs = _Run(first), _Run(second)
    return Comparison(
        first=names[0],
        second=names[1],
        confidence=EACH,
        confidence_together=TOGETHER,
        differences=(*(_percentile(*runs, percent, random) for percent in TESTED), _errors(*runs, random)),
        warnings=tuple(_warnings(first, second)),
        seed=seed,
    )


class _Run:
    """The columns of a result that are compared."""

    def __init__(self, result: LoadResult) -> None:
        at_s = np.asarray(result.samples.intended_s, dtype=np.float64)
        latency = np.asarray(result.samples.latency_ms, dtype=np.float64)
        self.wrong = np.fromiter((kind is not None for kind in result.samples.error), np.bool_, at_s.size)
        good = ~self.wrong & np.isfinite(latency)
        self.latency_ms = latency[good]
        length_s = max(result.duration_s, 1e-3)
        self.cells = resampling.cells(at_s, length_s)
        self.good_cells = Cells(self.cells.of[good], self.cells.count)


def _percentile(first: _Run, second: _Run, percent: float, random: np.random.Generator) -> Difference:
    needed = int(np.ceil(round(_IN_TAIL / (1 - percent / 100), 6)))
    sizes = first.latency_ms.size, second.latency_ms.size
    name = f"p{percent:g}"
    if min(sizes) < needed:
        reason = f"takes {needed:,} correct answers of each run, there are {sizes[0]:,} and {sizes[1]:,}"
        return _untold(name, "ms", None, None, reason)
    one, two = (resampling.percentile(run.good_cells, run.latency_ms, percent, random) for run in (first, second))
    if _too_few(one, two):
        return _untold(name, "ms", one.value, two.value, _blocks(one, two))
    low, high = resampling.interval(one, two, EACH)
    significant = low > 0 or high < 0
    reason = f"{'0 is outside' if significant else '0 is inside'} the interval of the difference; {_blocks(one, two)}"
    return Difference(
        name=name, unit="ms", first=one.value, second=two.value, low=low, high=high, significant=significant,
        reason=reason,
    )  # fmt: skip


def _errors(first: _Run, second: _Run, random: np.random.Generator) -> Difference:
    if not first.wrong.size or not second.wrong.size:
        return _untold("errors", "ratio", None, None, "one of the runs has no requests")
    one, two = (resampling.share(run.cells, run.wrong, random) for run in (first, second))
    if _too_few(one, two):
        return _untold("errors", "ratio", one.value, two.value, _blocks(one, two))
    table = [[int(run.wrong.sum()), int((~run.wrong).sum())] for run in (first, second)]
    chance = float(fisher_exact(table).pvalue)
    low, high = resampling.interval(one, two, EACH)
    significant = chance <= 1 - EACH and (low > 0 or high < 0)
    reason = f"Fisher's exact test: p = {chance:.2g}, to be at most {1 - EACH:.2g}; {_blocks(one, two)}"
    return Difference(
        name="errors", unit="ratio", first=one.value, second=two.value, low=low, high=high, significant=significant,
        reason=reason,
    )  # fmt: skip


def _untold(
    name: str, unit: Literal["ms", "ratio"], first: float | None, second: float | None, reason: str
) -> Difference:
    return Difference(
        name=name, unit=unit, first=first, second=second, low=None, high=None, significant=None, reason=reason
    )


def _too_few(one: Estimate, two: Estimate) -> bool:
    return min(one.blocks, two.blocks) < LEAST_BLOCKS


def _blocks(one: Estimate, two: Estimate) -> str:
    few = f", fewer than {LEAST_BLOCKS}: let it run longer" if _too_few(one, two) else ""
    return f"{int(one.blocks)} and {int(two.blocks)} independent stretches of time{few}"


def _warnings(first: LoadResult, second: LoadResult) -> list[str]:
    mine, other = first.settings, second.settings
    facts = {
        "target": (mine.url + mine.path, other.url + other.path),
        "loop": (first.loop, second.loop),
        "arrivals": (_schedule(first), _schedule(second)),
        "duration": (f"{first.duration_s:.1f} s", f"{second.duration_s:.1f} s"),
        "seed": (str(mine.seed), str(other.seed)),
        "photos": (_photos(first), _photos(second)),
        "expected answers": (mine.expect, other.expect),
        "timeout": (f"{mine.timeout_s:g} s", f"{other.timeout_s:g} s"),
        "sending processes": (str(mine.processes), str(other.processes)),
        "generator's machine": (first.generator.machine or "unknown", second.generator.machine or "unknown"),
        "Locust": (first.generator.locust, second.generator.locust),
    }
    found = [f"{name}: {a} against {b}." for name, (a, b) in facts.items() if a != b]
    for which, result in (("first", first), ("second", second)):
        if result.interrupted:
            found.append(f"The {which} run was interrupted.")
        if result.verdict is not None and result.verdict.outcome == "generator invalid":
            found.append(f"The {which} run is invalid: its generator missed its own schedule.")
    if "closed" in (first.loop, second.loop):
        found.append("A closed loop asks a slow server less, so its latencies hide the wait.")
    return found


def _schedule(result: LoadResult) -> str:
    values = result.settings.arrivals.model_dump(mode="json", exclude={"kind", "times_s"})
    return f"{result.settings.arrivals.kind}, {_words(values)}"


def _photos(result: LoadResult) -> str:
    sent_as = [_words(variant.model_dump(mode="json", exclude_none=True)) for variant in result.settings.photos]
    return f"{', '.join(result.generator.photos)} as {'; '.join(sent_as)}"


def _words(values: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items())
