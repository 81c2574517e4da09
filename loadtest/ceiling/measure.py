"""Measuring the ceiling: short runs of the real generator against a fast server of its own."""

import importlib.metadata
import os
from collections.abc import Callable
from datetime import UTC, datetime

from loadtest.arrivals import Poisson
from loadtest.ceiling.record import Attempt, Ceiling, Expect
from loadtest.ceiling.search import highest_kept
from loadtest.machine import processor
from loadtest.photos.prepared import load_photos
from loadtest.reference.process import reference_server
from loadtest.run import run_load
from loadtest.settings import LoadSettings
from lookout.errors import LookoutError


def measure_ceiling(step_s: float, seed: int, expect: Expect, show: Callable[[Attempt], None]) -> Ceiling:
    """Run at rising rates of Poisson arrivals, `step_s` seconds each; `show` hears of every run as it ends.

    LookoutError when not even the lowest rate was kept, KeyboardInterrupt on Ctrl-C.
    """
    attempts: list[Attempt] = []

    def measure(rate_per_s: float) -> Attempt:
        attempts.append(attempt(rate_per_s, step_s, seed + len(attempts), expect))
        show(attempts[-1])
        return attempts[-1]

    best = highest_kept(measure)
    if best is None:
        raise LookoutError("not even ten starts a second were on time", "stop what else this machine does, then again")
    return Ceiling(
        measured_at=datetime.now(UTC),
        command=f"lookout load ceiling --step {step_s:g} --seed {seed} --expect {expect}",
        locust=importlib.metadata.version("locust"),
        processor=processor(),
        cores=os.cpu_count() or 1,
        photos=tuple(photo.name for photo in load_photos()),
        expect=expect,
        seed=seed,
        step_s=step_s,
        per_core=best,
        attempts=tuple(attempts),
    )


def attempt(rate_per_s: float, step_s: float, seed: int, expect: Expect) -> Attempt:
    """One run of one process against a server of its own. KeyboardInterrupt when it was interrupted."""
    with reference_server() as reference:
        settings = LoadSettings(
            url=reference.url, arrivals=Poisson(rate=rate_per_s), duration_s=step_s, seed=seed, expect=expect
        )
        result = run_load(settings, {}, lambda _recording: None)
    if result.interrupted:
        raise KeyboardInterrupt
    return Attempt(
        rate_per_s=rate_per_s,
        starts=result.counts.intended,
        late_ratio=result.generator.late_ratio,
        lag_p99_ms=result.generator.lag_p99_ms,
        lost=result.counts.intended - result.counts.ok,
        cpu_cores=sum(result.generator.cpu_cores),
        server_p99_ms=reference.report["p99"],
    )
