"""Load results for tests, from a few readable numbers."""

from collections.abc import Sequence
from datetime import UTC, datetime

from loadtest.arrivals import Closed, Poisson
from loadtest.gate.slo import SloTerm
from loadtest.result import LoadResult, Observations, Samples
from loadtest.settings import LoadSettings
from loadtest.summary import summarise

MODEL = {"name": "ssdlite", "version": "abc123", "runtime": "litert"}


def load_result(
    latency_ms: Sequence[float | None],
    error: Sequence[str | None] | None = None,
    *,
    intended_s: Sequence[float] | None = None,
    lag_ms: Sequence[float | None] | None = None,
    loop: str = "open",
    slo: tuple[SloTerm, ...] = (),
    duration_s: float = 10.0,
    interrupted: bool = False,
    service: dict[str, str] | None = None,
    cpu_cores: Sequence[float] = (0.25,),
    workers_lost: int = 0,
    real_time: bool | None = None,
    clock_jumps: int = 0,
    observations: Observations | None = None,
) -> LoadResult:
    """A run whose requests start evenly over its duration, on time; None is a start that was dropped."""
    count = len(latency_ms)
    if intended_s is None:
        intended_s = [i * duration_s / max(count, 1) for i in range(count)]
    if lag_ms is None:
        lag_ms = [None if ms is None else 0.0 for ms in latency_ms]
    if error is None:
        error = ["dropped: too many in flight" if ms is None else None for ms in latency_ms]
    service_ms = [None if ms is None else ms - (lag or 0.0) for ms, lag in zip(latency_ms, lag_ms, strict=True)]
    arrivals = Closed() if loop == "closed" else Poisson(rate=max(count, 1) / duration_s)
    return summarise(
        settings=LoadSettings(arrivals=arrivals, duration_s=duration_s, slo=slo),
        samples=Samples(
            intended_s=tuple(intended_s),
            lag_ms=tuple(lag_ms),
            latency_ms=tuple(latency_ms),
            service_ms=tuple(service_ms),
            error=tuple(error),
        ),
        started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        duration_s=duration_s,
        interrupted=interrupted,
        models=(MODEL,),
        service={"name": "ssdlite"} if service is None else service,
        locust="2.47.0",
        photos=("chelsea", "coffee"),
        cpu_cores=cpu_cores,
        workers_lost=workers_lost,
        real_time=real_time,
        clock_jumps=clock_jumps,
        observations=observations,
    )
