"""Working a run's figures out from its raw samples. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from loadtest.result import (
    DROPPED,
    LATE_MS,
    UNFINISHED,
    Counts,
    Generator,
    Latency,
    LoadResult,
    Observations,
    Samples,
)
from loadtest.settings import LoadSettings
from loadtest.statistics import PERCENTILES, percentile


def summarise(
    *,
    settings: LoadSettings,
    samples: Samples,
    started_at: datetime,
    duration_s: float,
    interrupted: bool,
    models: Sequence[dict[str, str]] = (),
    service: dict[str, str] | None = None,
    locust: str,
    photos: Sequence[str],
    cpu_cores: Sequence[float],
    workers_lost: int = 0,
    clock_jumps: int = 0,
    real_time: bool | None = None,
    machine: str = "",
    observations: Observations | None = None,
) -> LoadResult:
    """Work the figures out from raw samples and what the generator said of itself."""
    kinds = Counter(error for error in samples.error if error is not None)
    unfinished = kinds.pop(UNFINISHED, 0)
    dropped = sum(kinds.pop(kind) for kind in [kind for kind in kinds if kind.startswith(DROPPED)])
    latency, service_ms = (_correct(column, samples.error) for column in (samples.latency_ms, samples.service_ms))
    in_time = sum(
        error is None and ms is not None and intended + ms / 1000 <= duration_s
        for intended, ms, error in zip(samples.intended_s, samples.latency_ms, samples.error, strict=True)
    )
    return LoadResult(
        loop="closed" if settings.arrivals.kind == "closed" else "open",
        started_at=started_at,
        interrupted=interrupted,
        settings=settings,
        duration_s=duration_s,
        counts=Counts(
            intended=len(samples.error),
            ok=len(latency),
            errors=kinds.total(),
            unfinished=unfinished,
            dropped=dropped,
        ),
        errors_by_kind=dict(kinds.most_common()),
        throughput_per_s=in_time / duration_s if duration_s > 0 else 0.0,
        latency_ms=_latency(latency),
        service_ms=_latency(service_ms),
        models=tuple(sorted(models, key=lambda model: sorted(model.items()))),
        service=service or {},
        generator=_generator(samples, locust, photos, cpu_cores, workers_lost, clock_jumps, real_time, machine),
        observations=observations or Observations(),
        samples=samples,
    )


def _correct(column: Sequence[float | None], error: Sequence[str | None]) -> list[float]:
    return sorted(ms for ms, kind in zip(column, error, strict=True) if kind is None and ms is not None)


def _latency(good: list[float]) -> Latency | None:
    if not good:
        return None
    p50, p90, p95, p99, p99_9 = (percentile(good, percent) for percent in PERCENTILES)
    return Latency(
        mean=sum(good) / len(good), min=good[0], p50=p50, p90=p90, p95=p95, p99=p99, p99_9=p99_9, max=good[-1]
    )


def _generator(
    samples: Samples,
    locust: str,
    photos: Sequence[str],
    cpu_cores: Sequence[float],
    workers_lost: int,
    clock_jumps: int,
    real_time: bool | None,
    machine: str,
) -> Generator:
    lag = sorted(ms for ms in samples.lag_ms if ms is not None)
    late = sum(ms is None or ms > LATE_MS for ms in samples.lag_ms)
    return Generator(
        locust=locust,
        machine=machine,
        photos=tuple(photos),
        cpu_cores=tuple(cpu_cores),
        lag_p50_ms=percentile(lag, 50),
        lag_p99_ms=percentile(lag, 99),
        lag_max_ms=lag[-1] if lag else None,
        late_ratio=late / len(samples.lag_ms) if samples.lag_ms else 0.0,
        workers_lost=workers_lost,
        clock_jumps=clock_jumps,
        real_time=real_time,
    )
