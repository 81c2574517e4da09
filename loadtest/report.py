"""The report: one HTML file that needs nothing else, to read on screen or to print."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtest import plots
from loadtest.output import write_atomically
from loadtest.result import LoadResult
from loadtest.wording import BUSY_CORES, SMOKE, is_busy, latency_rows, verdict


def write_report(result: LoadResult, path: Path) -> None:
    """Render and write the report, whole or not at all."""
    write_atomically(path, render(result))


def render(result: LoadResult) -> str:
    """The report as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        result=result,
        smoke=SMOKE,
        verdict=verdict(result),
        latency=latency_rows(result),
        busy=is_busy(result),
        busy_cores=BUSY_CORES,
        plots=_plots(result),
    )


def _plots(result: LoadResult) -> list[tuple[str, str]]:
    drawn = []
    if result.latency_ms is not None:
        drawn.append(("Latency over time", plots.latency_over_time(result)))
        drawn.append(("Latency by percentile", plots.percentiles(result)))
    if result.samples.error:
        drawn.append(("Throughput", plots.throughput(result)))
    if result.errors_by_kind:
        drawn.append(("Errors by kind", plots.errors_by_kind(result)))
    return drawn
