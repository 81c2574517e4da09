"""What-ifs in the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from loadtest.simulation.compare import Row
from loadtest.simulation.outcome import Outcome


def show_outcomes(console: Console, outcomes: Sequence[Outcome]) -> None:
    """A row for each simulation."""
    heads = ("arrivals", "requests", "mean", "p99", "in time", "refused", "pods", "nodes", "bad s")
    table = Table(box=None, padding=(0, 1, 0, 0))
    for head in heads:
        table.add_column(head, no_wrap=True)
    for one in outcomes:
        table.add_row(
            one.arrivals,
            f"{one.requests:,}",
            _ms(one.mean_ms),
            _ms(one.p99_ms),
            f"{one.good_ratio:.1%}",
            f"{one.refused:,}",
            f"{one.plan.autoscaling.least}→{one.most_pods}",
            str(one.most_nodes),
            str(one.bad_s),
        )
    console.print(table)
    for mode in dict.fromkeys(one.mode for one in outcomes):
        console.print(f"simulated: {mode}", style="dim", markup=False)


def show_comparison(console: Console, rows: Sequence[Row]) -> None:
    """A real run and its simulation, side by side."""
    table = Table("", "measured", "simulated", "", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(row.name, _number(row.measured), _number(row.simulated), row.unit)
    console.print(table)


def _ms(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} ms"


def _number(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
