"""The report: one HTML file that needs nothing else, to read on screen or to print."""

from pathlib import Path

from loadtest.output import write_output
from loadtest.result import LoadResult


def write_report(result: LoadResult, path: Path) -> None:
    """Render and write the report of a run, whole or not at all."""
    from loadtest.report.run import render  # late: matplotlib takes a second to import

    write_output(path, render(result))
