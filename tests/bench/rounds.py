"""The rounds of closed loop: everybody in turn with the same photos, one number of connections after the other."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench import photos
from tests.bench.ceiling import Ceiling
from tests.bench.client import Seen, measure
from tests.bench.plan import Plan
from tests.bench.record import Name, PhotoSize, Round
from tests.bench.running import Running

Say = Callable[[str], None]


def play(
    plan: Plan, contestants: Mapping[Name, Running | Ceiling], folders: Mapping[PhotoSize, Path], say: Say
) -> list[Round]:
    """Every round of the plan, all contestants in each. The ceiling has no connections: it runs because others do."""
    found: list[Round] = []
    coming = plan.rounds
    for place, (photo, connections, number) in enumerate(coming, 1):
        files = photos.read(folders[photo])
        seen: dict[Name, list[Seen]] = {}
        for name, warm_s, seconds in plan.turns(tuple(contestants), number):
            one = contestants[name]
            seen.setdefault(name, []).append(
                one.measure(folders[photo], seconds, warm_s)
                if isinstance(one, Ceiling)
                else one.measure(files, connections, seconds, warm_s)
            )
            speeds = ", ".join(f"{name} {measure(each).per_s:.1f}" for name, each in seen.items())
            say(f"round {place}/{len(coming)}, {photo}, {connections} connections: {speeds} a second")
        found += [a_round(photo, connections, number, name, each) for name, each in seen.items()]
    return found


def a_round(photo: str, connections: int, number: int, name: Name, seen: list[Seen]) -> Round:
    """What was seen of one contestant, for the record."""
    measured = measure(seen)
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
