"""The rounds of closed loop: everybody in turn with the same photos, one number of connections after the other."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench import photos
from tests.bench.ceiling import Ceiling
from tests.bench.client import Measured
from tests.bench.plan import Plan, order
from tests.bench.record import Name, PhotoSize, Round
from tests.bench.running import Running

Say = Callable[[str], None]


def play(
    plan: Plan, contestants: Mapping[Name, Running | Ceiling], folders: Mapping[PhotoSize, Path], say: Say
) -> list[Round]:
    """Every round of the plan, all contestants in each."""
    found: list[Round] = []
    coming = plan.rounds
    for place, (photo, connections, number) in enumerate(coming, 1):
        files = photos.read(folders[photo])
        speeds: list[str] = []
        for name in order(tuple(contestants), number):
            contestant = contestants[name]
            if isinstance(contestant, Ceiling):
                done = contestant.measure(folders[photo], plan.round_s, plan.warm_s)
                found.append(_of_ceiling(photo, connections, number, done.per_s, done.median_ms, plan.round_s))
            else:
                measured = contestant.measure(files, connections, plan.round_s, plan.warm_s)
                found.append(of_server(photo, connections, number, name, measured))
            speeds.append(f"{name} {found[-1].per_s:.1f}")
            say(f"round {place}/{len(coming)}, {photo}, {connections} connections: {', '.join(speeds)} a second")
    return found


def of_server(photo: str, connections: int, number: int, name: Name, measured: Measured) -> Round:
    """What the client measured, for the record."""
    return Round.model_validate(
        {
            "photo": photo,
            "connections": connections,
            "number": number,
            "contestant": name,
            "per_s": round(measured.per_s, 3),
            "p50_ms": round(measured.p50_ms, 3),
            "p99_ms": round(measured.p99_ms, 3),
            "max_ms": round(measured.max_ms, 3),
            "requests": measured.requests,
            "errors": measured.errors,
            "client_cores": round(measured.cores, 4),
        }
    )


def _of_ceiling(
    photo: PhotoSize, connections: int, number: int, per_s: float, median_ms: float, round_s: float
) -> Round:
    """The ceiling has no connections: it runs in each round because the others do. Its times are of one photo."""
    return Round(
        photo=photo,
        connections=connections,
        number=number,
        contestant="ceiling",
        per_s=round(per_s, 3),
        p50_ms=round(median_ms, 3),
        p99_ms=0.0,
        max_ms=0.0,
        requests=round(per_s * round_s),
        errors=0,
        client_cores=0.0,
    )
