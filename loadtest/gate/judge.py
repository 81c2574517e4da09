"""The verdict on a load run, with its arithmetic: pass, fail, not enough data, or a generator that was at fault. Pure.

A run of fixed length is judged once, at its end. Who reruns until a run passes, or stops one when it looks good, has
another test with another error rate: `sequential.py` is for that.
"""

import math
from typing import Final

from loadtest.gate.slo import SloTerm, format_term, latency_bound_s
from loadtest.gate.steady import steadiness
from loadtest.gate.stopping import allowed_ratio, bounds, needed_for_ratio, passes
from loadtest.gate.tally import Columns, Tally, columns, tally
from loadtest.gate.verdict import Judgement, Outcome, TermJudgement
from loadtest.result import LATE_MS, LoadResult
from loadtest.statistics import percentile
from lookout import contract

MAX_LATE_RATIO: Final = 0.01
"""More starts than this behind their time, and the load was not the load that was asked for."""
_WHOLE: Final = 0.99
"""A run that made starts for less than this share of its length was cut short."""


def judge(result: LoadResult, slo: tuple[SloTerm, ...]) -> Judgement:
    """The verdict on a run. ValueError when `slo` has no term.

    Precedence: generator invalid, fail, not enough data (or never steady), pass. A fail stands whether the run was
    steady, or whole, or not; each term's is wrong at most once in a hundred. A pass needs every term to pass.
    """
    if not slo:
        raise ValueError("an SLO needs at least one term")
    run, bound_s = columns(result.samples), latency_bound_s(slo)
    terms = tuple(_judge_term(term, result, run, bound_s) for term in slo)
    steady, steady_reason = steadiness(result)
    outcome, reasons = _decide(result, terms, steady, steady_reason)
    return Judgement(
        outcome=outcome,
        reasons=reasons,
        terms=terms,
        steady=steady,
        steady_reason=steady_reason,
        confidence=contract.SLO_CONFIDENCE,
    )


def generator_faults(result: LoadResult) -> tuple[str, ...]:
    """Why the load was not the load that was asked for, a sentence each; empty when it was."""
    faults = []
    generator, counts = result.generator, result.counts
    if counts.dropped:
        faults.append(f"the generator never made {counts.dropped:,} of {counts.intended:,} starts")
    if generator.late_ratio > MAX_LATE_RATIO:
        faults.append(
            f"{generator.late_ratio:.1%} of the starts were more than {LATE_MS:g} ms late, {MAX_LATE_RATIO:.0%} may be"
        )
    if generator.workers_lost:
        faults.append(f"{generator.workers_lost} of the generator's workers vanished during the run")
    if generator.clock_jumps:
        faults.append(f"the machine's clock jumped {generator.clock_jumps} times during the run")
    return tuple(faults)


def _decide(
    result: LoadResult, terms: tuple[TermJudgement, ...], steady: bool | None, steady_reason: str
) -> tuple[Outcome, tuple[str, ...]]:
    if faults := generator_faults(result):
        return "generator invalid", faults
    if result.loop == "closed":
        return "not enough data", (
            "a closed-loop run certifies nothing: its users wait for their answers, so a slow service is asked less",
        )
    if failed := _reasons(terms, "fail"):
        return "fail", failed
    missing = _reasons(terms, "not enough data")
    if _cut_short(result):
        asked_s = result.settings.duration_s
        early = (
            f"the run ended after {result.duration_s:.1f} of {asked_s:g} s: a length chosen on the way proves nothing"
        )
        return "not enough data", (early, *missing)
    if missing:
        return "not enough data", missing
    if steady is not True:
        return "not enough data", (f"no steady state: {steady_reason}",)
    return "pass", (f"every term passed, in steady state: {steady_reason}",)


def _reasons(terms: tuple[TermJudgement, ...], outcome: Outcome) -> tuple[str, ...]:
    return tuple(f"{term.term}: {term.arithmetic}" for term in terms if term.outcome == outcome)


def _judge_term(term: SloTerm, result: LoadResult, run: Columns, bound_s: float) -> TermJudgement:
    intended_per_s = result.counts.intended / result.duration_s if result.duration_s > 0 else 0.0
    allowed = allowed_ratio(term, intended_per_s)
    until_s = result.duration_s if _cut_short(result) else None
    count = tally(term, run, bound_s, until_s)
    lower, upper = bounds(*count) if count.trials else (0.0, 1.0)
    needed = needed_for_ratio(allowed, count.violations) if allowed else 0
    outcome: Outcome = "not enough data"
    if allowed and passes(*count, allowed):
        outcome = "pass"
    elif allowed and lower > allowed:
        outcome = "fail"
    if allowed:
        arithmetic = _arithmetic(term, count, outcome, allowed, lower, needed, bound_s)
    else:
        arithmetic = f"{intended_per_s:.1f} starts a second cannot show it, even if every request is answered in time"
    return TermJudgement(
        term=format_term(term),
        outcome=outcome,
        trials=count.trials,
        violations=count.violations,
        allowed_ratio=allowed,
        needed=needed,
        lower_ratio=lower,
        upper_ratio=upper,
        observed=_observed(term, count, run, intended_per_s),
        arithmetic=arithmetic,
    )


def _cut_short(result: LoadResult) -> bool:
    return result.interrupted or result.duration_s < _WHOLE * result.settings.duration_s


def _arithmetic(
    term: SloTerm, count: Tally, outcome: Outcome, allowed: float, lower: float, needed: int, bound_s: float
) -> str:
    broke = {
        "p99": f"took longer than {bound_s * 1000:g} ms",
        "errors": "were not answered correctly",
    }.get(term.measure, f"had no correct answer within {bound_s * 1000:g} ms")
    found = f"{count.violations:,} of {count.trials:,} requests {broke}"
    sure = f"at {contract.SLO_CONFIDENCE:.0%} confidence"
    if outcome == "fail":
        return f"{found}; {sure} that is at least {_share(lower)} of all, and {_share(allowed)} may: fail"
    enough = f"with {count.violations:,} of them {needed:,} requests show {sure} that at most {_share(allowed)} do"
    return f"{found}; {enough}: {outcome}"


def _observed(term: SloTerm, count: Tally, run: Columns, intended_per_s: float) -> str:
    if count.trials == 0:
        return "nothing"
    kept = 1 - count.violations / count.trials
    if term.measure == "errors":
        return f"{1 - kept:.3%}"
    if term.measure == "goodput":
        return f"{kept:.2%}"
    if term.measure == "goodput_rate":
        return f"{kept * intended_per_s:.1f}/s"
    counted = run.correct | (run.latency_ms > term.bound * 1000)
    ascending = sorted(run.latency_ms[counted & ~run.unfinished].tolist())
    found = percentile(ascending, 99)
    if found is not None:
        return f"{found:.1f} ms" if found < math.inf else "no answer before the timeout"
    finite = [ms for ms in ascending if ms < math.inf]
    return f"largest {finite[-1]:.1f} ms" if finite else "no answer"


def _share(ratio: float) -> str:
    return f"{100 * ratio:.4g} %"
