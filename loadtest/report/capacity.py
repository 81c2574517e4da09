"""The report of a capacity measurement: what follows for an environment first, then what was measured."""

from pathlib import Path
from typing import Final

from loadtest.capacity.record import CapacityRecord, Interval, Sizing, Sweep
from loadtest.gate.slo import format_slo
from loadtest.output import write_output
from loadtest.report import usl
from loadtest.report.page import Plot, Table, fill
from loadtest.report.rate_search import search_section
from loadtest.report.run import Section
from loadtest.report.verdict import Banner
from loadtest.report.words import UNKNOWN, milliseconds

_UNITS: Final = {"concurrency": "requests kept in flight in one pod", "replicas": "pods"}
_TITLES: Final = {"concurrency": "One pod: throughput against concurrency", "replicas": "Throughput against replicas"}


def write_capacity_report(record: CapacityRecord, path: Path) -> None:
    """Render and write the report, whole or not at all."""
    write_output(path, render(record))


def render(record: CapacityRecord) -> str:
    """The report as one HTML file that fetches nothing."""
    return fill(
        "capacity.html.j2",
        title=f"Capacity of {record.bento}",
        subtitle=f"{record.bento} · {record.machine.type} · {record.measured_at:%Y-%m-%d %H:%M:%S} UTC",
        verdict=_banner(record),
        figures=_figures(record),
        reasons=record.sizing.reasons if record.sizing else (),
        asked=_asked(record),
        conditions=record.conditions,
        sections=[
            section
            for section in (
                usl_section(record.concurrency),
                usl_section(record.replicas) if record.replicas else None,
                search_section(record.slo_rate),
            )
            if section is not None
        ],
    )


def usl_section(sweep: Sweep) -> Section:
    """A sweep: points, curve and band, the parameters with their intervals, every run in a table."""
    caption = (
        "Each dot is one run. The curve is the Universal Scalability Law, its band what the data do not rule out; it "
        "ends at twice the largest N measured, past which the fit says nothing."
    )
    drawn = usl.plot(sweep.points, sweep.fit, f"usl-{sweep.scale}", _UNITS[sweep.scale])
    notes = [] if sweep.no_fit is None else [f"No fit: {sweep.no_fit}"]
    if sweep.pod_cpu_millicores is not None:
        notes.append(f"Each pod was limited to {sweep.pod_cpu_millicores} millicores while this was measured.")
    if sweep.fit is not None:
        notes.append(f"Method: {sweep.fit.method}. Points scatter by {100 * sweep.fit.noise:.1f} % around the curve.")
    notes += [
        f"N = {point.n}, repeat {point.repeat}, left out: {point.unsound}" for point in sweep.points if point.unsound
    ]
    tables = (*(() if sweep.fit is None else (_parameters(sweep),)), _points(sweep))
    return Section(_TITLES[sweep.scale], (Plot("Throughput and its fit", caption, drawn),), tables, notes=tuple(notes))


def _banner(record: CapacityRecord) -> Banner:
    rate = record.slo_rate.rate_per_s
    partial = ("The measurement was interrupted.",) if record.interrupted else ()
    why = (f"Nothing is sized from it: {record.not_sized}",) if record.not_sized else ()
    if rate is None:
        return Banner("fail", "✗", "No rate met the SLO", (*why, *partial))
    word = f"One pod holds {rate:.1f} requests/s within its SLO"
    beyond = (
        ("That is the highest rate that was asked for: it can do more.",) if record.slo_rate.ceiling_reached else ()
    )
    return Banner(
        "pass" if record.sizing else "unknown", "✓" if record.sizing else "?", word, (*beyond, *why, *partial)
    )


def _figures(record: CapacityRecord) -> list[tuple[str, str]]:
    sizing: Sizing | None = record.sizing
    if sizing is None:
        return []
    cost = UNKNOWN if sizing.usd_per_thousand is None else f"${sizing.usd_per_thousand:.4f}"
    return [
        ("concurrency limit of a pod", str(sizing.concurrency_limit)),
        ("in flight per pod, autoscaler's target", f"{sizing.target_in_flight:g}"),
        ("most replicas", str(sizing.max_replicas)),
        ("machines for those", UNKNOWN if sizing.pool_machines is None else str(sizing.pool_machines)),
        ("per thousand detections, list price", cost),
    ]


def _asked(record: CapacityRecord) -> list[tuple[str, str]]:
    machine = record.machine
    price = "none was given (--prices)"
    if machine.price is not None:
        price = (
            f"${machine.price.usd_per_hour:g}/h, {machine.price.region}, {machine.price.source}, {machine.price.date}"
        )
    return [
        ("SLO", format_slo(record.slo).replace(",", ", ")),
        ("bento", record.bento),
        ("model", record.model),
        ("image", str(record.digest or UNKNOWN)),
        ("environment", record.environment or "none: a URL was measured"),
        ("machine", f"{machine.type}: {machine.description}"),
        ("price", price),
        ("seed", str(record.seed)),
        ("command", record.command),
    ]


def _parameters(sweep: Sweep) -> Table:
    fit = sweep.fit
    assert fit is not None  # noqa: S101  # asked for only where there is one
    rows = (
        ("gamma: throughput at N = 1, a second", fit.gamma),
        ("alpha: contention, done one at a time", fit.alpha),
        ("beta: coherence, cost of each pair", fit.beta),
        ("N of the peak", fit.peak),
    )
    heads = ("parameter", "best", f"{100 * fit.confidence:.0f} % interval")
    return Table(heads, tuple((name, _number(interval.best), _interval(interval)) for name, interval in rows))


def _points(sweep: Sweep) -> Table:
    heads = ("N", "clients", "repeat", "answers/s", "mean", "p99", "errors", "in flight by Little's law")
    return Table(
        heads,
        tuple(
            (
                str(point.n),
                str(point.users),
                str(point.repeat),
                f"{point.throughput_per_s:.1f}",
                milliseconds(point.mean_ms),
                milliseconds(point.p99_ms),
                str(point.errors),
                f"{point.in_flight:.2f}",
            )
            for point in sweep.points
        ),
    )


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.4g}"


def _interval(interval: Interval) -> str:
    low = "0" if interval.low is None else f"{interval.low:.3g}"
    return f"{low} to {'no bound' if interval.high is None else f'{interval.high:.3g}'}"
