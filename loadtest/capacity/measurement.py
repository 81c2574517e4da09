"""A whole measurement, step by step: one pod's concurrency, its SLO-bounded rate, then replicas. Keeps what it has."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

from loadtest.capacity.effort import Effort, confirm_s, lowest_rate
from loadtest.capacity.record import Attempt, CapacityRecord, Machine, Point, ServiceTime, SloRate, Sweep
from loadtest.capacity.search import Ask, Bounds, highest_rate
from loadtest.capacity.sizing import derive
from loadtest.capacity.sweep import Step, alone_ms, point, steps, summed_up
from loadtest.gate.slo import SloTerm
from loadtest.result import LoadResult
from lookout.errors import LookoutError

_FIRST_SHARE: Final = 0.6
_CEILING_SHARE: Final = 1.5
"""The search begins at, and never exceeds, these shares of the best throughput of the sweep."""


class Target(Protocol):
    """Pods to be measured."""

    def one(self) -> str:
        """URL of a single pod, limited by nothing but its own settings."""

    def replicas(self, count: int) -> str | None:
        """URL of so many pods, each limited to its own small share; None where their number cannot be set."""


class Runs(Protocol):
    """How runs are made."""

    def closed(self, url: str, step: Step, duration_s: float) -> LoadResult:
        """A closed-loop run."""

    def attempt(self, url: str, ask: Ask, slo: tuple[SloTerm, ...], effort: Effort) -> Attempt:
        """A judged Poisson run."""


class Wanted(NamedTuple):
    """What is to be measured."""

    concurrency: tuple[int, ...]
    replicas: tuple[int, ...]
    limit_millicores: int | None
    slo: tuple[SloTerm, ...]
    effort: Effort
    seed: int


class Subject(NamedTuple):
    """Who is measured, on what."""

    digest: str | None
    bento: str
    model: str
    environment: str | None
    workers: int | None
    """Compute threads of a pod, None where they are not known."""
    queue: int
    machine: Machine
    pods_per_machine: int | None
    command: str
    conditions: tuple[str, ...]


class Measurement:
    """Collects results as they come, so that an interrupted measurement still has a record."""

    def __init__(self, wanted: Wanted, subject: Subject, say: Callable[[str], None]) -> None:
        self._wanted, self._subject, self._say = wanted, subject, say
        self._began = datetime.now(UTC)
        self._concurrency: list[Point] = []
        self._replicas: list[Point] = []
        self._alone: list[LoadResult] = []
        self._attempts: list[Attempt] = []
        self._slo_rate: SloRate | None = None

    def make(self, target: Target, runs: Runs) -> None:
        """Measure everything. LookoutError when nothing at all is answered."""
        wanted = self._wanted
        url = target.one()
        for step in steps("concurrency", wanted.concurrency, wanted.effort.repeats, wanted.seed):
            self._concurrency.append(self._closed(runs, url, step, "in flight"))
        best = max(one.throughput_per_s for one in self._concurrency)
        if best <= 0:
            raise LookoutError("the pod answered nothing correctly", "look at it: lookout release status")
        first = _FIRST_SHARE * best
        lowest = lowest_rate(wanted.effort, wanted.slo, first)
        bounds = Bounds(max(first, lowest), max(_CEILING_SHARE * best, lowest), wanted.effort.resolution, lowest)

        def attempt(ask: Ask) -> Attempt:
            if ask.purpose == "confirm":
                length_s = confirm_s(wanted.effort, wanted.slo, ask.rate_per_s)
                self._say(f"confirming {ask.rate_per_s:.1f}/s for {length_s:.0f} s")
            return runs.attempt(url, ask, wanted.slo, wanted.effort)

        self._slo_rate = highest_rate(attempt, bounds, wanted.seed, self._keep)
        for step in steps("replicas", wanted.replicas, wanted.effort.repeats, wanted.seed + 1000):
            scaled = target.replicas(step.n)
            if scaled is None:
                return
            self._replicas.append(self._closed(runs, scaled, step, "pods"))

    def record(self, interrupted: bool) -> CapacityRecord:
        """What there is, with the sizing when that is everything."""
        concurrency = summed_up("concurrency", self._concurrency, None)
        limit = self._wanted.limit_millicores
        replicas = summed_up("replicas", self._replicas, limit) if self._replicas else None
        unfinished = SloRate(
            rate_per_s=None, not_held_per_s=None, ceiling_reached=False, attempts=tuple(self._attempts)
        )
        slo_rate = self._slo_rate or unfinished
        sizing, why_not = None, "interrupted" if interrupted else None
        if not interrupted:
            try:
                sizing = derive(
                    slo=self._wanted.slo,
                    concurrency=concurrency,
                    replicas=replicas,
                    slo_rate=slo_rate,
                    workers=self._subject.workers or 1,
                    machine=self._subject.machine,
                    pods_per_machine=self._subject.pods_per_machine,
                )
            except LookoutError as error:
                why_not = error.message
        return CapacityRecord(
            digest=self._subject.digest,
            bento=self._subject.bento,
            model=self._subject.model,
            environment=self._subject.environment,
            measured_at=self._began,
            interrupted=interrupted,
            machine=self._subject.machine,
            slo=self._wanted.slo,
            seed=self._wanted.seed,
            command=self._subject.command,
            conditions=self._subject.conditions,
            concurrency=concurrency,
            replicas=replicas,
            slo_rate=slo_rate,
            service_time=self._service_time(concurrency),
            sizing=sizing,
            not_sized=why_not,
        )

    def _closed(self, runs: Runs, url: str, step: Step, unit: str) -> Point:
        result = runs.closed(url, step, self._wanted.effort.sweep_s)
        found = point(step, result)
        if unit == "in flight" and step.n == 1 and found.unsound is None:
            self._alone.append(result)
        mean = "" if found.mean_ms is None else f", mean {found.mean_ms:.1f} ms"
        left_out = f" (left out: {found.unsound})" if found.unsound else ""
        self._say(f"{step.n:>3} {unit}, repeat {step.repeat + 1}: {found.throughput_per_s:.1f}/s{mean}{left_out}")
        return found

    def _keep(self, attempt: Attempt) -> None:
        self._attempts.append(attempt)
        p99 = "" if attempt.p99_ms is None else f", p99 {attempt.p99_ms:.1f} ms"
        word = "held" if attempt.sustained else f"not held, {attempt.outcome}"
        self._say(f"{attempt.purpose} {attempt.rate_per_s:.1f}/s: {word} ({attempt.requests:,} requests{p99})")

    def _service_time(self, sweep: Sweep) -> ServiceTime | None:
        quantiles = alone_ms(self._alone)
        sound = [one.throughput_per_s for one in sweep.points if one.unsound is None]
        if len(quantiles) < 2 or self._subject.workers is None:
            return None
        return ServiceTime(
            quantiles_ms=quantiles,
            workers=self._subject.workers,
            saturated_per_s=max(sound),
            queue=self._subject.queue,
        )
