"""What a load run found, as versioned JSON: raw latencies stay in, so that every figure can be worked out again."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loadtest.output import write_atomically
from loadtest.settings import LoadSettings
from loadtest.statistics import PERCENTILES, percentile
from lookout.errors import LookoutError

SCHEMA_VERSION: Final = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Samples(_Frozen):
    """One entry a request, in the order the answers came: parallel tuples keep the file small."""

    start_s: tuple[float, ...] = ()
    """Since the first user was started."""
    latency_ms: tuple[float, ...] = ()
    """From sending the request to the last byte of the answer, unrounded."""
    error: tuple[str | None, ...] = ()
    """None for a correct answer, else the kind of error."""

    @model_validator(mode="after")
    def _parallel(self) -> Self:
        if not len(self.start_s) == len(self.latency_ms) == len(self.error):
            raise ValueError("start_s, latency_ms and error must have one entry for each request")
        return self


class Latency(_Frozen):
    """Milliseconds over correct answers; a percentile is None where there were too few of them to know it."""

    mean: float
    min: float
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    p99_9: float | None
    max: float


class Counts(_Frozen):
    """Requests by what became of them."""

    requests: int
    ok: int
    errors: int
    unfinished: int
    """Sent, but neither answered nor timed out when the run ended; only an interrupted run has any."""


class Generator(_Frozen):
    """The side that made the load: past 0.8 of a core its own delays show in the latencies."""

    cpu_cores: float | None
    """Processor time divided by wall time; None when the generator was killed before it could say."""
    locust: str
    photos: tuple[str, ...]


class LoadResult(_Frozen):
    """One run. Its loop is closed: it shows that the road works and certifies neither latency nor capacity."""

    schema_version: Literal[1] = SCHEMA_VERSION
    kind: Literal["closed-loop smoke"] = "closed-loop smoke"
    started_at: datetime
    interrupted: bool
    settings: LoadSettings
    duration_s: float
    """How long requests were really started: shorter than asked when the run was interrupted."""
    counts: Counts
    errors_by_kind: dict[str, int]
    throughput_per_s: float
    """Correct answers that arrived while the run lasted, divided by its duration."""
    latency_ms: Latency | None
    """None when no answer was correct."""
    models: tuple[dict[str, str], ...]
    """Every model, version and runtime that answers named, sorted."""
    service: dict[str, str]
    """What the service said of itself before the run."""
    generator: Generator
    samples: Samples

    @property
    def ok(self) -> bool:
        """At least one answer, and every one of them correct."""
        lost = 0 if self.interrupted else self.counts.unfinished
        return self.counts.ok > 0 and self.counts.errors == 0 and lost == 0

    def save(self, path: Path) -> None:
        """Write the JSON, whole or not at all."""
        write_atomically(path, self.model_dump_json(indent=1) + "\n")


def summarise(
    *,
    settings: LoadSettings,
    samples: Samples,
    started: int,
    started_at: datetime,
    duration_s: float,
    interrupted: bool,
    models: tuple[dict[str, str], ...],
    service: dict[str, str],
    generator: Generator,
) -> LoadResult:
    """Work the figures out from raw samples. `started` is the number of requests sent."""
    good = sorted(ms for ms, error in zip(samples.latency_ms, samples.error, strict=True) if error is None)
    kinds = Counter(error for error in samples.error if error is not None)
    in_time = sum(
        error is None and start + ms / 1000 <= duration_s
        for start, ms, error in zip(samples.start_s, samples.latency_ms, samples.error, strict=True)
    )
    requests = max(started, len(samples.error))
    return LoadResult(
        started_at=started_at,
        interrupted=interrupted,
        settings=settings,
        duration_s=duration_s,
        counts=Counts(requests=requests, ok=len(good), errors=kinds.total(), unfinished=requests - len(samples.error)),
        errors_by_kind=dict(kinds.most_common()),
        throughput_per_s=in_time / duration_s if duration_s > 0 else 0.0,
        latency_ms=_latency(good) if good else None,
        models=tuple(sorted(models, key=lambda model: sorted(model.items()))),
        service=service,
        generator=generator,
        samples=samples,
    )


def load_result(path: Path) -> LoadResult:
    """Read a run back. LookoutError when the file is missing, of another schema version, or no load result."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise LookoutError(f"cannot read {path}: {error}", "make one with: lookout load run") from error
    try:
        version = _Versioned.model_validate_json(text).schema_version
        if version != SCHEMA_VERSION:
            raise LookoutError(
                f"{path} has schema version {version}, this program reads {SCHEMA_VERSION}",
                "read it with the release of Lookout that wrote it",
            )
        return LoadResult.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise LookoutError(
            f"{path} is not a load result: {where}: {first['msg']}", "make one: lookout load run"
        ) from error


class _Versioned(BaseModel):
    schema_version: Annotated[int, Field(ge=1)]


def _latency(good: list[float]) -> Latency:
    p50, p90, p95, p99, p99_9 = (percentile(good, percent) for percent in PERCENTILES)
    return Latency(
        mean=sum(good) / len(good), min=good[0], p50=p50, p90=p90, p95=p95, p99=p99, p99_9=p99_9, max=good[-1]
    )
