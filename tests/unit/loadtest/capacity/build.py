"""Parts of a capacity record, of a pod of 100 requests a second and replicas that hardly disturb each other."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from loadtest.capacity import usl
from loadtest.capacity.record import (
    Attempt,
    CapacityRecord,
    Machine,
    Point,
    Price,
    ServiceTime,
    SloRate,
    Sweep,
)
from loadtest.capacity.sizing import derive
from loadtest.capacity.usl import Parameters
from loadtest.gate.slo import DEFAULT_SLO

DIGEST = f"sha256:{'ab' * 32}"
PRICE = Price(usd_per_hour=0.36, region="here", source="https://prices.example", date=date(2026, 1, 1))


def machine(price: Price | None = None) -> Machine:
    """Four cores."""
    return Machine(type="test-4", cores=4, memory_bytes=1 << 34, description="a test", price=price)


@cache
def sweep(scale: str, law: Parameters, n: tuple[int, ...] = (1, 2, 4, 8, 16, 32), users_per_n: int = 1) -> Sweep:
    """Exact points of a law; p99 is 1.5 times the mean."""
    points = []
    for value in n:
        x = float(usl.throughput(law, value))
        users = value * users_per_n
        for repeat in range(3):
            points.append(
                Point(
                    n=value,
                    users=users,
                    repeat=repeat,
                    seed=1,
                    duration_s=5,
                    throughput_per_s=x,
                    mean_ms=1000 * users / x,
                    p99_ms=1500 * users / x,
                    errors=0,
                    in_flight=users,
                    unsound=None,
                )
            )
    fitted = usl.fit([point.n for point in points], [point.throughput_per_s for point in points])
    return Sweep.model_validate(
        {"scale": scale, "pod_cpu_millicores": None, "points": points, "fit": fitted, "no_fit": None}
    )


def slo_rate(rate: float | None = 70.0, in_flight: float | None = 1.6) -> SloRate:
    """One confirming run."""
    confirm = Attempt(
        purpose="confirm",
        rate_per_s=rate or 70.0,
        seed=3,
        duration_s=90,
        requests=6300,
        errors=0,
        p99_ms=80,
        mean_ms=22,
        in_flight=in_flight,
        outcome="pass" if rate else "fail",
        sustained=rate is not None,
        reason="",
    )
    return SloRate(rate_per_s=rate, not_held_per_s=73.5, ceiling_reached=False, attempts=(confirm,))


def record(**changes: Any) -> CapacityRecord:
    """A whole record with everything sized."""
    parts: dict[str, Any] = {
        "concurrency": sweep("concurrency", Parameters(60, 0.6, 0.0)),
        "replicas": sweep("replicas", Parameters(20, 0.01, 0.0), (1, 2, 3, 4, 5, 6), 8),
        "slo_rate": slo_rate(),
        "machine": machine(),
    } | changes
    sizing = derive(slo=DEFAULT_SLO, workers=1, pods_per_machine=9, **parts)
    return CapacityRecord(
        digest=DIGEST,
        bento="detector:abc",
        model="ssd:1",
        environment="prod",
        measured_at=datetime(2026, 1, 1, tzinfo=UTC),
        interrupted=False,
        slo=DEFAULT_SLO,
        seed=1,
        command="lookout load capacity",
        conditions=("a test",),
        service_time=ServiceTime(quantiles_ms=(10.0, 12.0, 20.0), workers=1, saturated_per_s=100.0, queue=32),
        sizing=sizing,
        not_sized=None,
        **parts,
    )
