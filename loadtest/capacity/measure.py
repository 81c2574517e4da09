"""Single runs for a capacity measurement, by the real generator: closed for sweeps, Poisson for the search."""

import statistics
import time
from collections.abc import Callable
from typing import Final

from loadtest.arrivals import Closed, Poisson
from loadtest.capacity.effort import Effort, confirm_s
from loadtest.capacity.record import Attempt
from loadtest.capacity.search import Ask, sustained
from loadtest.capacity.sweep import Step
from loadtest.gate.sequential import decided_so_far
from loadtest.gate.slo import SloTerm
from loadtest.recording import Recording
from loadtest.result import LoadResult
from loadtest.run import run_load
from loadtest.settings import LoadSettings

_LOOK_EVERY_S: Final = 1.0
_BEHIND_S: Final = 1.0
"""How old a start must be for its answer to have reached the recording, were it in time."""
_WARM_UP_S: Final = 2.0


def closed(url: str, step: Step, duration_s: float) -> LoadResult:
    """A closed-loop run; KeyboardInterrupt when it was interrupted, for half a run is no point of a sweep."""
    settings = LoadSettings(url=url, arrivals=Closed(users=step.users), duration_s=duration_s, seed=step.seed)
    return _whole(run_load(settings, {}, lambda _recording: None))


def attempt(url: str, ask: Ask, slo: tuple[SloTerm, ...], effort: Effort) -> Attempt:
    """A Poisson run, judged by the gate; one that is not a confirmation ends as soon as it is decided."""
    duration_s = confirm_s(effort, slo, ask.rate_per_s) if ask.purpose == "confirm" else effort.probe_s
    settings = LoadSettings(
        url=url, arrivals=Poisson(rate=ask.rate_per_s), duration_s=duration_s, seed=ask.seed, slo=slo
    )
    result = _whole(run_load(settings, {}, lambda _recording: None, stop_when_decided(settings, ask)))
    return of_result(ask, result)


def of_result(ask: Ask, result: LoadResult) -> Attempt:
    """What a judged run says. Pure."""
    judgement = result.verdict
    assert judgement is not None  # noqa: S101  # the settings had an SLO
    held = [second.in_flight for second in result.observations.stages if second.at_s >= _WARM_UP_S]
    known = [value for value in held if value is not None]
    return Attempt(
        purpose=ask.purpose,
        rate_per_s=ask.rate_per_s,
        seed=ask.seed,
        duration_s=result.duration_s,
        requests=result.counts.intended,
        errors=result.counts.errors + result.counts.unfinished,
        p99_ms=result.latency_ms.p99 if result.latency_ms else None,
        mean_ms=result.latency_ms.mean if result.latency_ms else None,
        in_flight=statistics.fmean(known) if known else None,
        outcome=judgement.outcome,
        sustained=sustained(judgement, ask.purpose),
        reason=judgement.reasons[0] if judgement.reasons else "",
    )


def stop_when_decided(settings: LoadSettings, ask: Ask) -> Callable[[Recording], bool]:
    """A probe ends on any decision; a confirmation only on a fail, whose rule holds however often one looks."""
    schedule = settings.arrivals.times(settings.duration_s, settings.seed)  # type: ignore[union-attr]  # open by now
    next_look_s = 0.0

    def stop(recording: Recording) -> bool:
        nonlocal next_look_s
        until_s = time.time() - recording.begin["at"] - _BEHIND_S
        if until_s < next_look_s:
            return False
        next_look_s = until_s + _LOOK_EVERY_S
        samples = recording.samples(schedule[schedule <= until_s].tolist(), False)
        decision = decided_so_far(samples, settings.slo, until_s, ask.rate_per_s)
        return decision == "fail" or (decision == "pass" and ask.purpose != "confirm")

    return stop


def _whole(result: LoadResult) -> LoadResult:
    if result.interrupted:
        raise KeyboardInterrupt
    return result
