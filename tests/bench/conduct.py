"""One whole bench, from the model to the record."""

import subprocess
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

from packaging.utils import canonicalize_name

from loadtest.machine import description
from lookout import paths
from lookout.errors import LookoutError
from lookout.steps import Steps
from service.model.importer import import_model
from service.model.stored import read_card
from tests.bench import openloop, overhead, photos, rounds, tuning
from tests.bench.bars import bars
from tests.bench.ceiling import Ceiling, alone, ceiling, styles
from tests.bench.client import measure
from tests.bench.contestants import BENCH_PYTHON, servers, without_model
from tests.bench.plan import Plan
from tests.bench.ratios import ratios
from tests.bench.record import BenchRecord, Contestant, Name, OpenRun, PhotoSize, Round
from tests.bench.running import Running, running

_PACKAGES: Final = (
    "ai-edge-litert", "bentoml", "fastapi", "litserve", "numpy", "openvino", "robyn", "simplejpeg", "starlette",
    "tensorflow", "uvicorn", "uvloop",
)  # fmt: skip
Folders = dict[PhotoSize, Path]


class _Contest(NamedTuple):
    contestants: tuple[Contestant, ...]
    rounds: list[Round]
    open_runs: list[OpenRun]


def conduct(plan: Plan, logs: Path) -> BenchRecord:
    """Set up, tune, measure. LookoutError when a contestant does not come up. No process of any stays behind."""
    if not BENCH_PYTHON.is_file():
        raise LookoutError("the peers' packages are not installed", "run it as: make bench")
    started_at, steps = datetime.now(UTC), Steps("bench")
    logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lookout-bench-") as scratch:
        with steps.step("Model and photos") as step:
            model = import_model(progress=step.detail).path
            stored = read_card(model)
            folders = photos.make(Path(scratch), plan.photos)
            step.done(f"{stored.tag} on {stored.runtime}; about {plan.expected_s / 60:.0f} minutes from here")
        sizes = {size: tuple(len(file) for file in photos.read(folder)) for size, folder in folders.items()}
        with ExitStack() as stack:
            with steps.step("One photo in one process") as step:
                single = stack.enter_context(ceiling(model, alone(), step.detail))
                every_core = stack.enter_context(ceiling(model, styles()[0], step.detail))
                in_process_ms = {
                    size: round(measure([single.measure(folder, plan.round_s, plan.warm_s)]).p50_ms, 3)
                    for size, folder in folders.items()
                }
                step.done(", ".join(f"{size} {ms:.1f} ms" for size, ms in in_process_ms.items()))
            contest = _contest(plan, model, (single, every_core), folders, logs, steps)
    with steps.step("No model") as step:
        taking_part = [one for one in without_model(model) if one.name in (*plan.names, "bentoml")]
        empty = overhead.play(plan, taking_part, logs / "no-model", step.detail)
    return BenchRecord(
        started_at=started_at,
        duration_s=round(steps.elapsed_s, 1),
        quick=plan.quick,
        commit=_commit(),
        machine=description(),
        model=stored.tag,
        runtime=stored.runtime,
        versions=_versions(),
        photo_bytes=sizes,
        in_process_ms=in_process_ms,
        contestants=contest.contestants,
        rounds=tuple(contest.rounds),
        open_runs=tuple(contest.open_runs),
        overhead=tuple(empty),
        ratios=tuple(ratios(contest.rounds, plan.photos)),
        bars=tuple(bars(contest.rounds, contest.open_runs, empty, plan.photos)),
    )


def _contest(
    plan: Plan, model: Path, loops: tuple[Ceiling, Ceiling], folders: Folders, logs: Path, steps: Steps
) -> _Contest:
    """Tune everybody, start everybody, and let them take turns."""
    folder = folders[plan.photos[0]]
    taking_part = [one for one in servers(model) if one.name in plan.names]
    with steps.step("Layouts") as step:
        tuned = {one.name: tuning.tune(one, folder, logs, plan.trial_s, step.detail) for one in taking_part}
        style, trials = (
            tuning.tune_ceiling(model, folder, plan.trial_s, step.detail) if "ceiling" in plan.names else (None, ())
        )
        step.done(", ".join(f"{name} {layout}" for name, (layout, _) in tuned.items()))
    with ExitStack() as stack:
        everyone: dict[Name, Running | Ceiling] = {}
        with steps.step("Start") as step:
            photo = photos.read(folder)[0]
            for one in taking_part:
                layout, _ = tuned[one.name]
                everyone[one.name] = stack.enter_context(running(one, layout, photo, logs, step.detail))
            if style is not None:
                everyone["ceiling"] = stack.enter_context(ceiling(model, style, step.detail))
        with steps.step("Closed loop") as step:
            played = rounds.play(plan, everyone, folders, step.detail)
        with steps.step("Open loop") as step:
            started = {name: one for name, one in everyone.items() if isinstance(one, Running)}
            open_runs = openloop.play(plan, started, *loops, folders, played, step.detail)
        found = [
            Contestant(
                name=one.name, title=one.title, layout=tuned[one.name][0], trials=tuned[one.name][1],
                memory=everyone[one.name].memory(),
            )
            for one in taking_part
        ]  # fmt: skip
        if style is not None:
            title = f"decode and the fastest inference that passes parity, no server: {style.words}"
            memory = everyone["ceiling"].memory()
            found.append(Contestant(name="ceiling", title=title, layout=style.layout, trials=trials, memory=memory))
    return _Contest(tuple(found), played, open_runs)


def _commit() -> str:
    command = ["git", "-C", str(paths.PROJECT_ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _versions() -> dict[str, str]:
    """Of the packages that were measured, from both environments; where both have one, the peers' is the same."""
    folders = [str(folder) for folder in (BENCH_PYTHON.parent.parent / "lib").glob("python*/site-packages")]
    both = [*metadata.distributions(), *metadata.distributions(path=folders)]
    named: dict[str, str] = {canonicalize_name(one.name): one.version for one in both}
    return {name: named[name] for name in _PACKAGES if name in named}
