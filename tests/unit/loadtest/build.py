"""Load results for tests, from a few readable numbers."""

from collections.abc import Sequence
from datetime import UTC, datetime

from loadtest.result import Generator, LoadResult, Samples, summarise
from loadtest.settings import LoadSettings

MODEL = {"name": "ssdlite", "version": "abc123", "runtime": "litert"}


def load_result(
    latency_ms: Sequence[float],
    error: Sequence[str | None] | None = None,
    *,
    started: int | None = None,
    duration_s: float = 10.0,
    interrupted: bool = False,
    cpu_cores: float | None = 0.25,
) -> LoadResult:
    """A run whose requests start evenly over its duration."""
    count = len(latency_ms)
    return summarise(
        settings=LoadSettings(),
        samples=Samples(
            start_s=tuple(i * duration_s / max(count, 1) for i in range(count)),
            latency_ms=tuple(latency_ms),
            error=tuple(error if error is not None else [None] * count),
        ),
        started=count if started is None else started,
        started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        duration_s=duration_s,
        interrupted=interrupted,
        models=(MODEL,),
        service={"name": "ssdlite"},
        generator=Generator(cpu_cores=cpu_cores, locust="2.47.0", photos=("chelsea", "coffee")),
    )
