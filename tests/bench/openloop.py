"""Each server under the project's own open-loop load, at shares of its own saturation.

That is measured anew before each run: half of what a machine gave some minutes ago may be two thirds of what it gives.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from loadtest.arrivals import Poisson
from loadtest.photos.originals import FOLDER_VARIABLE
from loadtest.recording import Recording
from loadtest.run import run_load
from loadtest.settings import LoadSettings
from tests.bench.ceiling import Ceiling
from tests.bench.client import Seen, measure
from tests.bench.photos import read
from tests.bench.plan import Plan
from tests.bench.ratios import best_connections
from tests.bench.record import Name, OpenRun, PhotoSize, Round
from tests.bench.running import Running

_SEED: Final = 7
TAIL_SHARE: Final = 0.5
Say = Callable[[str], None]


def play(
    plan: Plan,
    servers: Mapping[Name, Running],
    single: Ceiling,
    every_core: Ceiling,
    folders: Mapping[PhotoSize, Path],
    rounds: Sequence[Round],
    say: Say,
) -> list[OpenRun]:
    """Every server at every share with every photo: Poisson arrivals, the same seed for all. Ours some times more where
    a bar is about it, with what one photo takes alone at that time, and after it what the same arrivals come to where
    no server is between them and a process a core."""
    coming = [
        (photo, share, name)
        for photo in plan.photos
        for share in plan.shares
        for name in servers
        for _ in range(plan.tails if tail(name, share) else 1)
    ]
    found = []
    for place, (photo, share, name) in enumerate(coming, 1):
        rate = round(share * _saturation(plan, servers[name], folders[photo], photo, rounds), 2)
        if rate <= 0:
            continue
        duration_s = plan.open_duration_s(rate)
        say(f"open loop {place}/{len(coming)}, {photo}, {name} at {share:.0%}: {rate:.1f} a second, {duration_s:.0f} s")
        besides = [single.measure(folders[photo], plan.alone_s, plan.warm_s)] if tail(name, share) else []
        with servers[name].awake():
            run = _run(servers[name].url, folders[photo], photo, name, share, rate, duration_s)
        found.append(run)
        if besides:
            starts = Poisson(rate=rate).times(duration_s, _SEED).tolist()
            without = _without_server(every_core.answer(folders[photo], starts), run)
            besides.append(single.measure(folders[photo], plan.alone_s, plan.warm_s))
            in_process_ms = round(measure(besides).p50_ms, 3)
            found[-1:] = [one.model_copy(update={"in_process_ms": in_process_ms}) for one in (run, without)]
    return found


def tail(name: Name, share: float) -> bool:
    """Whether a bar is about the latency of that contestant at that share of its saturation."""
    return name == "ours" and share == TAIL_SHARE


def _saturation(plan: Plan, server: Running, folder: Path, photo: PhotoSize, rounds: Sequence[Round]) -> float:
    """Answers a second in closed loop now, with as many connections as suited it best; 0 where it answered none."""
    connections = best_connections(rounds, server.server.name, photo)
    if connections is None:
        return 0.0
    return measure([server.measure(read(folder), connections, plan.share_s, plan.warm_s)]).per_s


def _run(url: str, folder: Path, photo: PhotoSize, name: Name, share: float, rate: float, duration_s: float) -> OpenRun:
    settings = LoadSettings(url=url, arrivals=Poisson(rate=rate), duration_s=duration_s, seed=_SEED, expect="any")
    os.environ[FOLDER_VARIABLE] = str(folder)  # for the generator's own process
    try:
        result = run_load(settings, {}, _silent)
    finally:
        del os.environ[FOLDER_VARIABLE]
    latency = result.latency_ms
    return OpenRun(
        photo=photo,
        contestant=name,
        share=share,
        rate_per_s=rate,
        requests=result.counts.intended,
        errors=result.counts.intended - result.counts.ok,
        p50_ms=None if latency is None else latency.p50,
        p99_ms=None if latency is None else latency.p99,
        late_ratio=result.generator.late_ratio,
    )


def _without_server(seen: Seen, run: OpenRun) -> OpenRun:
    """The ceiling's, in words of the server's."""
    measured = measure([seen])
    latencies = {"p50_ms": round(measured.p50_ms, 3), "p99_ms": round(measured.p99_ms, 3)}
    return run.model_copy(
        update={"contestant": "ceiling", "requests": measured.requests, "errors": 0, "late_ratio": 0.0} | latencies
    )


def _silent(_: Recording) -> None:
    """The bench says beforehand what runs, and for how long."""
