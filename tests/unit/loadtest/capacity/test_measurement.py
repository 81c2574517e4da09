"""A whole measurement against pods and runs made up by the test: what is measured, in which order, and what is kept."""

from collections.abc import Callable

import pytest

from loadtest.capacity import usl
from loadtest.capacity.effort import FULL, QUICK, Effort, confirm_s, expected_s, lowest_rate
from loadtest.capacity.measurement import Measurement, Subject, Wanted
from loadtest.capacity.record import Attempt
from loadtest.capacity.screen import rows
from loadtest.capacity.search import Ask
from loadtest.capacity.sweep import USERS_PER_POD, Step
from loadtest.capacity.usl import Parameters
from loadtest.gate.slo import DEFAULT_SLO, SloTerm
from loadtest.result import LoadResult
from lookout.errors import LookoutError
from tests.unit.loadtest.capacity.build import DIGEST, machine
from tests.unit.loadtest.capacity.test_search import attempt
from tests.unit.loadtest.capacity.test_sweep import closed

ONE, MANY = Parameters(80, 0.7, 0.0), Parameters(20, 0.02, 0.0)
WANTED = Wanted((1, 2, 4, 8, 16, 32), (1, 2, 3, 4, 5, 6), 200, DEFAULT_SLO, QUICK, 1)
SUBJECT = Subject(DIGEST, "detector:a", "ssd:1", "prod", 1, 32, machine(), 9, "lookout load capacity", ("a test",))


def _ctrl_c() -> None:
    raise KeyboardInterrupt


class Pods:
    """Remembers what was asked for; URLs name the number of pods."""

    def __init__(self, scalable: bool = True) -> None:
        self.scaled: list[int] = []
        self._scalable = scalable

    def one(self) -> str:
        return "one"

    def replicas(self, count: int) -> str | None:
        self.scaled.append(count)
        return str(count) if self._scalable else None


class Runs:
    """Follows the laws; a single pod holds 60 a second."""

    def __init__(
        self, interrupt_after: int = 10_000, dead: bool = False, interrupt: Callable[[], None] = _ctrl_c
    ) -> None:
        self.left = interrupt_after
        self._interrupt = interrupt
        self._dead = dead

    def closed(self, url: str, step: Step, duration_s: float) -> LoadResult:
        self._count()
        law = ONE if url == "one" else MANY
        users = 0 if self._dead else step.users
        return closed(users, 1000 * step.users / float(usl.throughput(law, step.n)), 4 * duration_s)

    def attempt(self, url: str, ask: Ask, slo: tuple[SloTerm, ...], effort: Effort) -> Attempt:
        self._count()
        assert (url, slo, effort) == ("one", WANTED.slo, WANTED.effort)
        found = attempt(ask, "pass" if ask.rate_per_s <= 60 else "fail")
        return found.model_copy(update={"mean_ms": 25.0, "in_flight": 1.4})

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            self._interrupt()


def test_everything_is_measured_recorded_and_sized() -> None:
    pods, said = Pods(), list[str]()
    measurement = Measurement(WANTED, SUBJECT, said.append)
    measurement.make(pods, Runs())
    record = measurement.record(interrupted=False)
    assert pods.scaled == [1, 2, 3, 4, 5, 6] * QUICK.repeats
    assert len(record.concurrency.points) == 6 * QUICK.repeats
    assert record.replicas is not None
    assert {point.users for point in record.replicas.points} == {n * USERS_PER_POD for n in WANTED.replicas}
    assert record.slo_rate.rate_per_s == pytest.approx(60, rel=0.1)
    assert record.sizing is not None
    assert record.sizing.max_replicas == 12
    assert record.service_time is not None
    assert record.service_time.saturated_per_s == pytest.approx(float(usl.throughput(ONE, 32)), rel=0.05)
    confirmations = [line for line in said if line.startswith("confirming")]
    assert confirmations == ["confirming 56.5/s for 90 s"]
    assert len(said) == 2 * 6 * QUICK.repeats + len(record.slo_rate.attempts) + len(confirmations)
    assert any("alpha" in value for _, value in rows(record))


def test_an_interrupted_measurement_keeps_what_it_has_and_sizes_nothing() -> None:
    measurement = Measurement(WANTED, SUBJECT, lambda _line: None)
    with pytest.raises(KeyboardInterrupt):
        measurement.make(Pods(), Runs(interrupt_after=20))
    record = measurement.record(interrupted=True)
    assert len(record.concurrency.points) == 18
    assert len(record.slo_rate.attempts) == 2
    assert (record.sizing, record.not_sized, record.replicas) == (None, "interrupted", None)


def test_pods_whose_number_cannot_be_set_are_not_sized() -> None:
    measurement = Measurement(WANTED._replace(replicas=()), SUBJECT, lambda _line: None)
    measurement.make(Pods(scalable=False), Runs())
    record = measurement.record(interrupted=False)
    assert record.sizing is None
    assert "replicas were not swept" in (record.not_sized or "")


def test_a_pod_that_answers_nothing_ends_the_measurement() -> None:
    with pytest.raises(LookoutError, match="answered nothing"):
        Measurement(WANTED, SUBJECT, lambda _line: None).make(Pods(), Runs(dead=True))


def test_a_confirmation_is_long_enough_to_prove_every_term() -> None:
    # 4,603 requests without an error, and a tenth more, at 50 a second; p99 needs 4,169 and is content with that.
    assert confirm_s(QUICK, DEFAULT_SLO, 50) == pytest.approx(1.1 * 4603 / 50)
    assert confirm_s(QUICK, DEFAULT_SLO[:1], 50) == pytest.approx(4169 / 50)
    assert confirm_s(FULL, DEFAULT_SLO, 50) > 800


def test_rates_too_low_to_be_proven_in_time_are_not_searched() -> None:
    lowest = lowest_rate(QUICK, DEFAULT_SLO, 50)
    assert confirm_s(QUICK, DEFAULT_SLO, lowest) == pytest.approx(QUICK.most_confirm_s)

    class Slow(Runs):
        def attempt(self, url: str, ask: Ask, slo: tuple[SloTerm, ...], effort: Effort) -> Attempt:
            assert ask.rate_per_s >= lowest
            return super().attempt(url, ask._replace(rate_per_s=1000), slo, effort)

    measurement = Measurement(WANTED, SUBJECT, lambda _line: None)
    measurement.make(Pods(), Slow())
    assert measurement.record(interrupted=False).not_sized == (
        "no rate met the SLO (0 of 3 runs were invalid: the generator was late)"
    )


def test_the_time_told_beforehand_grows_with_what_is_asked() -> None:
    quick, full = expected_s(QUICK, 6, 6, DEFAULT_SLO), expected_s(FULL, 6, 6, DEFAULT_SLO)
    assert quick[0] < quick[1] < full[1]
    assert expected_s(QUICK, 6, 0, DEFAULT_SLO)[1] < quick[1]
