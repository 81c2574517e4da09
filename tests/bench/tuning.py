"""Finding a contestant's best layout by trying each: the fastest in closed loop."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from lookout.errors import LookoutError
from tests.bench import photos
from tests.bench.ceiling import Style, ceiling, styles
from tests.bench.client import Seen, measure
from tests.bench.contestants import Server
from tests.bench.record import Layout, Trial
from tests.bench.running import running

_CONNECTIONS: Final = 8
_WARM_S: Final = 0.7
_SLICES: Final = 8
"""In which the ceiling's styles take turns: they differ by less than a shared machine's speed from second to second."""
Say = Callable[[str], None]


def tune(server: Server, folder: Path, logs: Path, seconds: float, say: Say) -> tuple[Layout, tuple[Trial, ...]]:
    """The best of a server's layouts, and what each did; nothing is tried where there is only one."""
    if len(server.layouts) == 1:
        return server.layouts[0], ()
    files = photos.read(folder)
    trials = []
    for layout in server.layouts:
        with running(server, layout, files[0], logs, say) as started:
            measured = measure([started.measure(files, _CONNECTIONS, seconds, _WARM_S)])
        trials.append(Trial(layout=layout, per_s=round(measured.per_s, 2)))
        say(f"{server.name}, {layout} (processes x threads): {measured.per_s:.1f} a second")
    return best(trials).layout, tuple(trials)


def tune_ceiling(model: Path, folder: Path, seconds: float, say: Say) -> tuple[Style, tuple[Trial, ...]]:
    """The best of the ceiling's styles, and what each did."""
    seen: dict[Style, list[Seen]] = {style: [] for style in styles()}
    with ExitStack() as stack:
        started = {style: stack.enter_context(ceiling(model, style, say)) for style in seen}
        for _ in range(_SLICES):
            for style, loops in started.items():
                seen[style].append(loops.measure(folder, seconds / _SLICES, _WARM_S / _SLICES))
    tried = [(measure(each).per_s, style) for style, each in seen.items()]
    for per_s, style in tried:
        say(f"ceiling, {style.words}: {per_s:.1f} a second")
    _, chosen = max(tried, key=lambda one: one[0])
    return chosen, tuple(Trial(layout=style.layout, per_s=round(per_s, 2), words=style.words) for per_s, style in tried)


def best(trials: Sequence[Trial]) -> Trial:
    """The fastest; of equals the first. LookoutError when none answered anything."""
    found = max(trials, key=lambda trial: trial.per_s)
    if found.per_s <= 0:
        raise LookoutError("no layout answered a single photo", "see the servers' logs")
    return found
