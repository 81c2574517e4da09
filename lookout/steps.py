"""Named steps on screen with elapsed time, details in a log file.

    steps = Steps("up")
    with steps.step("Python environment") as step:
        step.detail("installing 180 packages")

On a terminal the running step shows a spinner with its latest detail; elsewhere (CI, a pipe) each start and each end
is a line, and so is now and then what a long step is doing. How long every step took is in `steps.seconds`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from lookout import paths
from lookout.errors import LookoutError

_LINE_EVERY_S: Final = 5.0
"""Without a terminal: how often a long step prints what it is doing."""


class Step:
    """One running step: `detail` says what it is doing right now."""

    def __init__(self, name: str, log: Path, console: Console, progress: Progress | None) -> None:
        self.name = name
        self.log = log
        self.outcome = ""
        self._console = console
        self._shown = time.monotonic()
        self._progress = progress
        self._task = progress.add_task(name, total=None, detail="") if progress else None

    def detail(self, text: str) -> None:
        """Show and log what the step is doing."""
        with self.log.open("a") as sink:
            sink.write(f"[{datetime.now(UTC):%H:%M:%S}] {self.name}: {text}\n")
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, detail=text[:90])
        elif time.monotonic() - self._shown > _LINE_EVERY_S:
            self._shown = time.monotonic()
            self._console.print(f"           {text}", markup=False, soft_wrap=True)

    def done(self, text: str) -> None:
        """What to show beside the step when it has ended, for example `unchanged`."""
        self.outcome = text


class Steps:
    """The steps of one command; `seconds` maps each finished step's name to its duration."""

    def __init__(self, command: str, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.seconds: dict[str, float] = {}
        self.log = paths.log_dir() / f"{command}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text(f"lookout {command}, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        self._started = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first step could have begun."""
        return time.monotonic() - self._started

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Run one named step; its end, good or bad, is printed with the time it took."""
        started = time.monotonic()
        live = self.console.is_terminal
        progress = self._spinner() if live else None
        if progress:
            progress.start()
        else:
            self.console.print(f"[{self.elapsed_s:6.1f} s] {name} …", markup=False)
        step = Step(name, self.log, self.console, progress)
        try:
            yield step
        except BaseException as error:
            self._end(progress, "✗", name, started, "interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
            if isinstance(error, LookoutError) and error.remedy is None:
                error.remedy = f"details: {self.log}"
            raise
        self.seconds[name] = time.monotonic() - started
        self._end(progress, "✓", name, started, step.outcome)

    def _end(self, progress: Progress | None, mark: str, name: str, started: float, outcome: str) -> None:
        if progress:
            progress.stop()
        suffix = f"  {outcome}" if outcome else ""
        self.console.print(
            f" {mark} {name:<34} {time.monotonic() - started:7.1f} s{suffix}", markup=False, soft_wrap=True
        )

    def _spinner(self) -> Progress:
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<34}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            console=self.console,
            transient=True,
        )
