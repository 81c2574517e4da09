"""`lookout load ceiling`: how fast this machine's generator can be asked to go before its figures are worth nothing."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from loadtest.output import check_writable, write_output
from lookout.errors import UsageError

if TYPE_CHECKING:
    from loadtest.ceiling.record import Attempt


def ceiling_command(
    step: Annotated[float, typer.Option(help="Seconds at each rate.", min=1, max=60)] = 4.0,
    seed: Annotated[int, typer.Option(help="Decides the schedules and the photos.", min=0)] = 1,
    expect: Annotated[
        str, typer.Option(help="lookout: check every answer, as a certifying run does. any: only its status.")
    ] = "lookout",
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the result here too.", show_default=False)
    ] = None,
) -> None:
    """Measure the highest rate at which at most 1 % of the starts are over 5 ms late, from one process.

    Poisson arrivals of the real photos against a fast server of its own on 127.0.0.1, at rising rates; takes about two
    minutes, and the machine should do nothing else. The result goes into the state directory, where `lookout load run`
    reads it and refuses rates beyond it.

    Exit codes: 0 measured, 1 not even ten a second were on time, 64 wrong usage, 130 Ctrl-C (nothing is written).
    """
    if expect not in ("any", "lookout"):
        raise UsageError(f"--expect: {expect!r} is not any or lookout", "see: lookout load ceiling --help")
    if json_path is not None:
        check_writable(json_path)

    from loadtest.ceiling.measure import measure_ceiling  # late: scipy and the photos take a second to import

    console = Console(highlight=False)
    console.print("  starts/s   late    lag p99   cores   on time")
    ceiling = measure_ceiling(step, seed, "any" if expect == "any" else "lookout", lambda run: console.print(row(run)))
    path = ceiling.save()
    if json_path is not None:
        write_output(json_path, ceiling.text())
    best = ceiling.per_core
    console.print(
        f"{best.rate_per_s:,.0f} requests/s from one process, on {best.cpu_cores:.2f} of a core, with "
        f"{best.late_ratio:.2%} of the starts over 5 ms late: {path}",
        soft_wrap=True,
    )


def row(run: "Attempt") -> str:
    """One run as a line of the table."""
    lag = "?" if run.lag_p99_ms is None else f"{run.lag_p99_ms:.1f} ms"
    verdict = "yes" if run.kept else f"no, {run.lost:,} without a right answer" if run.lost else "no"
    return f"{run.rate_per_s:10,.0f} {run.late_ratio:6.1%} {lag:>10} {run.cpu_cores:7.2f}   {verdict}"
