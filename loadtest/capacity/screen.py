"""What a capacity record looks like in the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.capacity.record import CapacityRecord, Interval, Sweep
from loadtest.gate.slo import format_slo


def show(record: CapacityRecord, console: Console) -> None:
    """The figures and, line by line, what follows from them."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in rows(record):
        table.add_row(name, Text(value, overflow="fold"))
    console.print(table)
    for reason in record.sizing.reasons if record.sizing else ():
        console.print(f"  {reason}", markup=False)
    if record.not_sized:
        console.print(f"nothing sized: {record.not_sized}", markup=False, style="yellow")


def rows(record: CapacityRecord) -> list[tuple[str, str]]:
    """Name and value of each figure."""
    rate = record.slo_rate
    held = "none passed" if rate.rate_per_s is None else f"{rate.rate_per_s:.1f}/s"
    if rate.not_held_per_s is not None:
        held += f" ({rate.not_held_per_s:.1f}/s did not hold; {len(rate.attempts)} runs)"
    found = [
        ("image", f"{record.bento} {record.digest or 'unknown'}"),
        ("machine", f"{record.machine.type}: {record.machine.description}"),
        ("SLO", format_slo(record.slo)),
        ("one pod", held),
        ("in one pod", _sweep(record.concurrency)),
    ]
    if record.replicas is not None:
        found.append(("replicas", _sweep(record.replicas)))
    return found


def _sweep(sweep: Sweep) -> str:
    out = sum(one.unsound is not None for one in sweep.points)
    runs = f"{len(sweep.points)} runs" + (f", {out} left out" if out else "")
    if sweep.fit is None:
        return f"no fit: {sweep.no_fit} ({runs})"
    fit = sweep.fit
    parts = [f"gamma {_interval(fit.gamma, '.1f')}/s", f"alpha {_interval(fit.alpha, '.3f')}"]
    parts += [f"beta {_interval(fit.beta, '.5f')}", f"peak at N = {_interval(fit.peak, '.1f')}"]
    return ", ".join(parts) + f" (USL, {fit.confidence:.0%} intervals, N to {fit.largest}, {runs})"


def _interval(interval: Interval, form: str) -> str:
    ends = "…".join("∞" if end is None else format(end, form) for end in (interval.low, interval.high))
    return f"{'none' if interval.best is None else format(interval.best, form)} [{ends}]"
