"""What a load run found, as versioned JSON: raw latencies stay in, so that every figure can be worked out again."""

from datetime import datetime
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from loadtest import versioned
from loadtest.gate.verdict import Judgement
from loadtest.output import write_output
from loadtest.settings import LoadSettings

SCHEMA_VERSION: Final = 2
LATE_MS: Final = 5.0
"""A start this much behind its intended time counts as late."""
DROPPED: Final = "dropped"
"""How the errors of starts begin that the generator never made."""
UNFINISHED: Final = "unfinished"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Samples(_Frozen):
    """One entry an intended start, in order of intent; parallel tuples keep the file small."""

    intended_s: tuple[float, ...] = ()
    """When the request was to start, since the schedule began."""
    lag_ms: tuple[float | None, ...] = ()
    """How much later it really started; None when it was dropped by the generator."""
    latency_ms: tuple[float | None, ...] = ()
    """From the intended start to the last byte of the answer; None when dropped or unfinished."""
    service_ms: tuple[float | None, ...] = ()
    """From the real start to the last byte of the answer: what a closed-loop tool would call latency."""
    error: tuple[str | None, ...] = ()
    """None for a correct answer, else the kind of error."""

    @model_validator(mode="after")
    def _parallel(self) -> Self:
        columns = (self.lag_ms, self.latency_ms, self.service_ms, self.error)
        if any(len(column) != len(self.intended_s) for column in columns):
            raise ValueError("every column of samples must have one entry for each intended start")
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
    """Intended starts by what became of them; intended = ok + errors + unfinished + dropped."""

    intended: int
    ok: int
    errors: int
    """Answered wrongly, refused or not answered in time."""
    unfinished: int
    """Started, but neither answered nor timed out when the run ended; only an interrupted run has any."""
    dropped: int
    """Never started, because the generator held as many requests as it may: its own failure, not the server's."""


class Generator(_Frozen):
    """The side that made the load, and whether it kept its own schedule."""

    locust: str
    machine: str = ""
    """On which it ran: processor, cores, memory, kernel."""
    photos: tuple[str, ...]
    cpu_cores: tuple[float, ...]
    """Processor time divided by wall time, one entry for each process that sent; past 0.8 delays are its own."""
    lag_p50_ms: float | None
    lag_p99_ms: float | None
    lag_max_ms: float | None
    late_ratio: float
    """Share of the intended starts that were more than LATE_MS late, dropped ones included."""
    real_time: bool | None = None
    """Whether every process that sent had real-time priority, and so took the processor before a server on the same
    machine; None in results that do not say."""
    workers_lost: int = 0
    clock_jumps: int = 0
    """Times the wall clock and the steady clock disagreed by more than a second."""


class StageSecond(_Frozen):
    """What /metrics said over about a second; None where the server does not tell."""

    at_s: float
    """Since the schedule began."""
    stage_ms: dict[str, float]
    """Mean milliseconds by stage over the requests of that time."""
    queue_wait_ms: float | None
    in_flight: float | None


class PodSecond(_Frozen):
    """What the cluster said of the detector's pods."""

    at_s: float
    wanted: int
    ready: int
    restarts: int
    """Of the containers of all pods together."""


class Observations(_Frozen):
    """What was seen beside the requests, on the same time axis; empty where there was nothing to ask."""

    stages: tuple[StageSecond, ...] = ()
    stages_from: str = ""
    """Which processes they are of, in words; empty where there are none."""
    pods: tuple[PodSecond, ...] = ()


class LoadResult(_Frozen):
    """One run."""

    schema_version: Literal[2] = SCHEMA_VERSION
    loop: Literal["open", "closed"]
    """Closed: each user waits for its answer, so a slow server is asked less; such a run certifies nothing."""
    started_at: datetime
    interrupted: bool
    settings: LoadSettings
    duration_s: float
    """How long requests were really started: shorter than asked when the run ended early."""
    counts: Counts
    errors_by_kind: dict[str, int]
    throughput_per_s: float
    """Correct answers that arrived while the run lasted, divided by its duration."""
    latency_ms: Latency | None
    """From the intended start, None when no answer was correct."""
    service_ms: Latency | None
    """From the real start."""
    models: tuple[dict[str, str], ...]
    """Every model, version and runtime that answers named, sorted; empty where answers were not read."""
    service: dict[str, str]
    """What the service said of itself before the run; empty where it is not the project's own."""
    generator: Generator
    observations: Observations = Observations()
    verdict: Judgement | None = None
    """None where no SLO was given."""
    samples: Samples

    @property
    def ok(self) -> bool:
        """At least one answer, and every one of them correct."""
        lost = 0 if self.interrupted else self.counts.unfinished
        return self.counts.ok > 0 and self.counts.errors == 0 and self.counts.dropped == 0 and lost == 0

    def save(self, path: Path) -> None:
        """Write the JSON, whole or not at all."""
        write_output(path, self.model_dump_json(indent=1) + "\n")


def load_result(path: Path) -> LoadResult:
    """Read a run back. LookoutError when the file is missing, of another schema version, or no load result."""
    text = versioned.read(path, "make one with: lookout load run")
    return versioned.parse(text, path, LoadResult, "not a load result", "make one: lookout load run")
