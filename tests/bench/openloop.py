"""Each server under the project's own open-loop load, at shares of its own saturation."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from loadtest.arrivals import Poisson
from loadtest.photos.originals import FOLDER_VARIABLE
from loadtest.recording import Recording
from loadtest.run import run_load
from loadtest.settings import LoadSettings
from tests.bench.plan import Plan
from tests.bench.ratios import saturation
from tests.bench.record import Name, OpenRun, PhotoSize, Round
from tests.bench.running import Running

_SEED: Final = 7
Say = Callable[[str], None]


def play(
    plan: Plan,
    servers: Mapping[Name, Running],
    folders: Mapping[PhotoSize, Path],
    rounds: list[Round],
    say: Say,
) -> list[OpenRun]:
    """Every server at every share with every photo: Poisson arrivals, the same seed for all."""
    coming = [(photo, share, name) for photo in plan.photos for share in plan.shares for name in servers]
    found = []
    for place, (photo, share, name) in enumerate(coming, 1):
        rate = share * saturation(rounds, name, photo)
        if rate <= 0:
            continue
        duration_s = plan.open_duration_s(rate)
        say(f"open loop {place}/{len(coming)}, {photo}, {name} at {share:.0%}: {rate:.1f} a second, {duration_s:.0f} s")
        with servers[name].awake():
            found.append(_run(servers[name].url, folders[photo], photo, name, share, rate, duration_s))
    return found


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
        rate_per_s=round(rate, 2),
        requests=result.counts.intended,
        errors=result.counts.intended - result.counts.ok,
        p50_ms=None if latency is None else latency.p50,
        p99_ms=None if latency is None else latency.p99,
        late_ratio=result.generator.late_ratio,
    )


def _silent(_: Recording) -> None:
    """The bench says beforehand what runs, and for how long."""
