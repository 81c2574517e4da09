"""What a run shows in the terminal: one live line while it lasts, a table at its end."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from loadtest.gate.verdict import Judgement
from loadtest.live import progress_line
from loadtest.recording import Recording
from loadtest.result import LATE_MS, LoadResult
from loadtest.settings import LoadSettings
from loadtest.wording import BUSY_CORES, CLOSED, arrivals_in_words, is_busy, latency_rows, outcome

_LINE_EVERY_S = 5.0


class Progress:
    """A live line on a terminal, a plain line every few seconds elsewhere."""

    def __init__(self, settings: LoadSettings, console: Console | None = None) -> None:
        self._settings = settings
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, transient=True, auto_refresh=False)
        self._started = time.monotonic()
        self._next_line_s = _LINE_EVERY_S

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, recording: Recording) -> None:
        """Say how far the run is."""
        due = time.monotonic() - self._started >= self._next_line_s
        if not self._console.is_terminal and not due:
            return
        line = progress_line(recording, self._settings, recording.elapsed_s)
        if self._console.is_terminal:
            self._live.update(Text(line), refresh=True)
        else:
            self._next_line_s += _LINE_EVERY_S
            self._console.print(line, markup=False, soft_wrap=True)


def print_summary(result: LoadResult, console: Console, json_path: Path, html_path: Path) -> None:
    """The outcome as a table, and where the files are."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in [*_rows(result), ("JSON", str(json_path)), ("report", str(html_path))]:
        table.add_row(name, Text(value, overflow="fold"))
    mark, style = ("✓", "bold green") if result.ok else ("✗", "bold red")
    console.print(Text(f"{mark} {outcome(result)}", style=style))
    console.print(table)
    if result.verdict is not None:
        _print_verdict(result.verdict, console)
    if is_busy(result):
        console.print(f"The generator used more than {BUSY_CORES} of a core: part of these latencies is its own delay.")
    if result.loop == "closed":
        console.print(Text(CLOSED, style="dim"))


def _print_verdict(verdict: Judgement, console: Console) -> None:
    for term in verdict.terms:
        console.print(Text(f"  {term.term}: {term.outcome}, {term.observed}. {term.arithmetic}"))
    style = "bold green" if verdict.outcome == "pass" else "bold red"
    console.print(Text(f"Verdict: {verdict.outcome.upper()}", style=style))
    for reason in verdict.reasons:
        console.print(Text(f"  {reason}"))


def _rows(result: LoadResult) -> list[tuple[str, str]]:
    counts, generator, settings = result.counts, result.generator, result.settings
    requests = f"{counts.intended:,} intended, {counts.ok:,} correct, {counts.errors:,} errors"
    if counts.dropped or counts.unfinished:
        requests += f", {counts.dropped:,} dropped, {counts.unfinished:,} unfinished"
    lag = "unknown" if generator.lag_max_ms is None else f"largest {generator.lag_max_ms:.1f} ms"
    if generator.lag_p99_ms is not None:
        lag = f"p99 {generator.lag_p99_ms:.1f} ms, " + lag
    return [
        ("target", settings.url + settings.path),
        ("answered by", "; ".join(" · ".join(model.values()) for model in result.models) or "not asked"),
        ("arrivals", f"{arrivals_in_words(settings.arrivals)}; {result.duration_s:.1f} s, seed {settings.seed}"),
        ("requests", requests),
        ("throughput", f"{result.throughput_per_s:.1f} correct answers/s"),
        *((f"latency {name}", value) for name, value in latency_rows(result)),
        *((f"✗ {kind}", f"{count:,}") for kind, count in result.errors_by_kind.items()),
        ("schedule lag", f"{lag}; {generator.late_ratio:.2%} of the starts more than {LATE_MS:g} ms late"),
    ]
