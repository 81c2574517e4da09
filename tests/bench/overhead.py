"""The second table: the same servers around a model that does nothing, asked with a tiny photo in closed loop."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.contestants import Server
from tests.bench.photos import tiny
from tests.bench.plan import Plan
from tests.bench.record import Round
from tests.bench.rounds import a_round
from tests.bench.running import Running, running

Say = Callable[[str], None]


def play(plan: Plan, servers: Sequence[Server], logs: Path, say: Say) -> list[Round]:
    """Rounds with all of them in turn, each in its first layout."""
    photo = tiny()
    logs.mkdir(exist_ok=True)
    found: list[Round] = []
    with ExitStack() as stack:
        started: list[Running] = []
        for server in servers:
            started.append(stack.enter_context(running(server, server.layouts[0], photo, logs, say)))
        for number in range(plan.overhead_repeats):
            for one in started[number % len(started) :] + started[: number % len(started)]:
                seen = one.measure([photo], plan.overhead_connections, plan.round_s, plan.warm_s)
                done = a_round("tiny", plan.overhead_connections, number, one.server.name, [seen])
                say(f"no model, {one.server.name}: {done.per_s:.0f} a second, p99 {done.p99_ms:.1f} ms")
                found.append(done)
    return found
