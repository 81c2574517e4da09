"""What a disruption may cost, as data, and whether a run that was disrupted kept to it. Pure.

A run goes on for a fixed time and is disrupted in its midst. What came before must be in steady state, or the cost of
the disruption cannot be told from anything else; what came after is judged by the gate, like any run, and by one more
measure that shares and percentiles hide: the longest time in which nobody got a correct answer.
"""

from itertools import pairwise
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from loadtest.gate.judge import generator_faults, judge
from loadtest.gate.slo import SloTerm, format_slo
from loadtest.gate.steady import Steadiness, steadiness
from loadtest.gate.verdict import Judgement, Outcome, TermJudgement
from loadtest.result import DROPPED, LoadResult, Samples
from loadtest.summary import summarise

_COLUMNS: Final = ("intended_s", "lag_ms", "latency_ms", "service_ms", "error")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Promise(_Frozen):
    """What holds from the disruption on to the end of the run."""

    slo: tuple[SloTerm, ...]
    longest_gap_s: float = Field(gt=0)
    """Between two correct answers, whoever they went to."""


class Kept(_Frozen):
    """A promise beside what was measured."""

    outcome: Outcome
    reason: str
    promised: str
    requests: int
    """Starts from the disruption on, without those that the generator itself dropped."""
    success_ratio: float
    """Of them, those that were answered correctly."""
    p99_ms: float | None
    longest_gap_s: float
    errors_by_kind: dict[str, int]
    recovered_after_s: float | None
    """Start of the last request that went wrong, counted from the disruption; None where none did."""
    steady_before: bool | None
    """Whether the run was in steady state until the disruption; without that nothing is told of its cost."""
    steady_at_end: bool | None
    """Whether the last three fifths after the disruption were in steady state again."""
    terms: tuple[TermJudgement, ...]


def judge_disruption(result: LoadResult, promise: Promise, disrupted_at_s: float) -> Kept:
    """Judge what came after `disrupted_at_s`, seconds since the schedule began, if what came before was steady.

    Precedence: generator invalid, fail (a term, then the gap), not enough data (never steady, then a term), pass. The
    end need not be steady again: what a promise says of the aftermath, it says in its terms.
    """
    before, after = part(result, 0.0, disrupted_at_s), part(result, disrupted_at_s, result.duration_s)
    verdict = judge(after, promise.slo)
    gap_s, start = longest_gap_s(after), steadiness(before)
    outcome, reason = _decide(result, verdict, gap_s, promise, start)
    wrong = [
        intended_s
        for intended_s, error in zip(after.samples.intended_s, after.samples.error, strict=True)
        if error is not None and not error.startswith(DROPPED)
    ]
    made = after.counts.intended - after.counts.dropped
    return Kept(
        outcome=outcome,
        reason=reason,
        promised=f"{format_slo(promise.slo)}, gap<={promise.longest_gap_s:g}s",
        requests=made,
        success_ratio=after.counts.ok / max(made, 1),
        p99_ms=after.latency_ms.p99 if after.latency_ms else None,
        longest_gap_s=round(gap_s, 3),
        errors_by_kind=after.errors_by_kind,
        recovered_after_s=round(max(wrong), 3) if wrong else None,
        steady_before=start.steady,
        steady_at_end=verdict.steady,
        terms=verdict.terms,
    )


def longest_gap_s(result: LoadResult) -> float:
    """The longest time without a correct answer: between two of them, before the first, or after the last."""
    samples = result.samples
    arrivals = sorted(
        start + ms / 1000
        for start, ms, error in zip(samples.intended_s, samples.latency_ms, samples.error, strict=True)
        if error is None and ms is not None
    )
    ends = [0.0, *(at for at in arrivals if at < result.duration_s), result.duration_s]
    return max(later - earlier for earlier, later in pairwise(ends))


def part(result: LoadResult, from_s: float, until_s: float) -> LoadResult:
    """The requests whose intended start lies in [from_s, until_s), as a run of its own that begins at from_s."""
    samples = result.samples
    chosen = [i for i, start in enumerate(samples.intended_s) if from_s <= start < until_s]
    columns = {name: tuple(getattr(samples, name)[i] for i in chosen) for name in _COLUMNS}
    columns["intended_s"] = tuple(start - from_s for start in columns["intended_s"])
    length_s = until_s - from_s
    return summarise(
        settings=result.settings.model_copy(update={"duration_s": length_s}),
        samples=Samples(**columns),
        started_at=result.started_at,
        duration_s=length_s,
        interrupted=result.interrupted,
        models=result.models,
        service=result.service,
        locust=result.generator.locust,
        photos=result.generator.photos,
        cpu_cores=result.generator.cpu_cores,
        workers_lost=result.generator.workers_lost,
        clock_jumps=result.generator.clock_jumps,
    )


def _decide(
    result: LoadResult, verdict: Judgement, gap_s: float, promise: Promise, before: Steadiness
) -> tuple[Outcome, str]:
    of = {term.outcome: term.arithmetic for term in reversed(verdict.terms)}
    if faults := generator_faults(result):
        return "generator invalid", faults[0]
    if "fail" in of:
        return "fail", of["fail"]
    if gap_s > promise.longest_gap_s:
        return "fail", f"for {gap_s:.2f} s nobody got a correct answer, {promise.longest_gap_s:g} s may be"
    if before.steady is not True:
        return "not enough data", f"not steady before the disruption: {before.reason}"
    if "not enough data" in of:
        return "not enough data", of["not enough data"]
    return "pass", f"every term holds; the longest gap was {gap_s:.2f} s"
