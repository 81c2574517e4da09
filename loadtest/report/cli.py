"""`lookout load report` and `lookout load compare`: read results again, alone or two beside each other."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loadtest.output import check_writable, latest_result


def report_command(
    result_path: Annotated[
        Path | None,
        typer.Argument(metavar="[RESULT.json]", help="A result of `lookout load run`; the latest if left out."),
    ] = None,
    html_path: Annotated[
        Path | None, typer.Option("--html", help="Report file. [default: beside the result]", show_default=False)
    ] = None,
) -> None:
    """Show a run's summary again and render its HTML report anew.

    Exit codes: 0 done (whatever the run found), 1 no such result or an unreadable one, 64 wrong usage.
    """
    from loadtest.report import write_report  # late: matplotlib takes a second to import
    from loadtest.result import load_result
    from loadtest.screen import print_summary

    result_path = result_path or latest_result()
    html_path = html_path or result_path.with_suffix(".html")
    check_writable(html_path)
    result = load_result(result_path)
    write_report(result, html_path)
    print_summary(result, Console(highlight=False), result_path, html_path)
