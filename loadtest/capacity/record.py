"""What a capacity measurement found, as versioned JSON: the only source of the numbers that size an environment.

Data only; record_file.py says where it stands and reads it. `lookout load capacity` writes it, `lookout release size`
and `lookout load simulate` read it.
"""

from datetime import date, datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from loadtest.gate.slo import SloTerm
from loadtest.gate.verdict import Outcome

SCHEMA_VERSION: Final = 1
MACHINE_TYPE: Final = r"^[a-z0-9][a-z0-9._-]{0,62}$"
DIGEST: Final = r"^sha256:[0-9a-f]{64}$"

Scale = Literal["concurrency", "replicas"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Frozen):
    """An estimate and the ends of its confidence interval; None is an end that the data do not bound."""

    best: float | None
    low: float | None
    high: float | None


class Point(_Frozen):
    """One closed-loop run of a sweep: `users` clients that each wait for their answer, at scale `n`."""

    n: int
    """Requests kept in flight (concurrency) or pods (replicas)."""
    users: int
    repeat: int
    seed: int
    duration_s: float
    throughput_per_s: float
    """Correct answers."""
    mean_ms: float | None
    p99_ms: float | None
    errors: int
    in_flight: float
    """Throughput times mean latency, to be compared with `users` by Little's law."""
    unsound: str | None
    """Why the run is left out of the fit, None when it takes part."""


class UslFit(_Frozen):
    """X(N) = gamma N / (1 + alpha (N - 1) + beta N (N - 1)), the Universal Scalability Law (Gunther, 2007)."""

    gamma: Interval
    """Throughput at N = 1, a second."""
    alpha: Interval
    """Contention: the share of the work that is done one at a time."""
    beta: Interval
    """Coherence: what every pair costs."""
    peak: Interval
    """N of the highest throughput, sqrt((1 - alpha) / beta); None where the data show no peak."""
    noise: float
    """Standard deviation of the relative residuals."""
    smallest: int
    largest: int
    """Range of N that was measured; nothing is said beyond twice the largest."""
    confidence: float
    method: str


class Sweep(_Frozen):
    """One scale, stepped through from small to large, several times."""

    scale: Scale
    pod_cpu_millicores: int | None
    """Quota of each pod while this was measured; None without one."""
    points: tuple[Point, ...]
    fit: UslFit | None
    no_fit: str | None
    """Why there is no fit."""


class Attempt(_Frozen):
    """One Poisson run of the search for the highest rate."""

    purpose: Literal["bracket", "narrow", "confirm"]
    rate_per_s: float
    seed: int
    duration_s: float
    requests: int
    errors: int
    p99_ms: float | None
    mean_ms: float | None
    in_flight: float | None
    """Of the pod itself, from its metrics: a mean over the run; None where they could not be read."""
    outcome: Outcome
    sustained: bool
    """Taken as met: passed, or, while searching, nothing failed and the latency passed."""
    reason: str


class SloRate(_Frozen):
    """The highest rate of Poisson arrivals at which one pod meets the SLO."""

    rate_per_s: float | None
    """None when no rate passed the gate."""
    not_held_per_s: float | None
    """The lowest rate that did not hold; None when every rate asked for did."""
    ceiling_reached: bool
    """The search ended at the highest rate it may ask for: the pod can do more."""
    attempts: tuple[Attempt, ...]


class ServiceTime(_Frozen):
    """How long one request takes when it is alone, for simulations."""

    quantiles_ms: Annotated[tuple[float, ...], Field(min_length=2)]
    """Evenly spaced from the smallest to the largest, at one request in flight, as the client sees it."""
    workers: int
    """Requests that a pod works on at a time."""
    saturated_per_s: float
    """Throughput of one pod with all workers busy: what a worker needs is `workers / saturated_per_s` seconds."""
    queue: int
    """Requests that may wait beside those."""


class Price(_Frozen):
    """List price of a machine, as whoever measured gave it; never one of ours."""

    usd_per_hour: Annotated[float, Field(gt=0)]
    region: str
    source: Annotated[str, Field(pattern=r"^https?://\S+$")]
    """The page that says so."""
    date: date
    """The day on which it did."""


class Sizing(_Frozen):
    """What follows for an environment. Every number is derived in loadtest/capacity/sizing.py, with its reason."""

    concurrency_limit: Annotated[int, Field(ge=1)]
    """Requests in a pod, worked on and waiting, above which a new one would be answered too late."""
    in_flight_at_slo_rate: Annotated[float, Field(gt=0)]
    """Mean requests in a pod at the highest rate that met the SLO."""
    target_in_flight: Annotated[float, Field(gt=0)]
    """Requests in flight per pod at which the autoscaler adds pods."""
    max_replicas: Annotated[int, Field(ge=1)]
    """Pods up to which the measurement speaks and throughput still grows."""
    pods_per_machine: int | None
    """By requests, beside what else runs there; None where no cluster was asked."""
    pool_machines: int | None
    """Machines that `max_replicas` need."""
    usd_per_thousand: float | None
    """Per thousand detections with every pod at its SLO-bounded rate; None without a price."""
    reasons: tuple[str, ...]
    """One sentence for each number."""


class Machine(_Frozen):
    """Where it was measured."""

    type: Annotated[str, Field(pattern=MACHINE_TYPE)]
    cores: int
    memory_bytes: int
    description: str
    price: Price | None


class CapacityRecord(_Frozen):
    """One measurement of one image on one type of machine."""

    schema_version: Literal[1] = SCHEMA_VERSION
    digest: Annotated[str, Field(pattern=DIGEST)] | None
    """Of the image; None when a URL was measured, of which nobody can say what it runs."""
    bento: str
    model: str
    environment: str | None
    """Whose settings the pods had; None when a URL was measured."""
    measured_at: datetime
    interrupted: bool
    machine: Machine
    slo: tuple[SloTerm, ...]
    seed: int
    command: str
    """As it was typed, to measure again."""
    conditions: tuple[str, ...]
    """What shared the machine and what was limited, one sentence each."""
    concurrency: Sweep
    replicas: Sweep | None
    slo_rate: SloRate
    service_time: ServiceTime | None
    sizing: Sizing | None
    not_sized: str | None
    """Why nothing is derived."""

    def text(self) -> str:
        """The JSON file's text."""
        return self.model_dump_json(indent=1) + "\n"
