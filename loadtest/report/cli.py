"""`lookout load report` and `lookout load compare`: read results again, alone or two beside each other."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loadtest.output import check_writable, latest_result, write_output


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
    from loadtest.commands.screen import print_summary
    from loadtest.report import write_report  # late: matplotlib takes a second to import
    from loadtest.result import load_result

    result_path = result_path or latest_result()
    html_path = html_path or result_path.with_suffix(".html")
    check_writable(html_path)
    result = load_result(result_path)
    write_report(result, html_path)
    print_summary(result, Console(highlight=False), result_path, html_path)


def compare_command(
    first: Annotated[Path, typer.Argument(metavar="A.json", help="A result of `lookout load run`.")],
    second: Annotated[Path, typer.Argument(metavar="B.json", help="Another one; differences are second minus first.")],
    html_path: Annotated[Path | None, typer.Option("--html", help="Write a report with both runs' curves.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the comparison as JSON.")] = None,
    seed: Annotated[int, typer.Option(help="Of the resampling.", min=0)] = 1,
) -> None:
    """Lay two runs beside each other and say which differences chance cannot explain.

    p50, p90, p99 and the share of errors are tested, all together at 95 % confidence: percentiles by a block bootstrap
    over time, since neighbouring requests share a queue, errors by Fisher's exact test and the same bootstrap.

    Exit codes: 0 done (whatever was found), 1 no such result or an unreadable one, 64 wrong usage.
    """
    from loadtest.comparison.compare import compare  # late: scipy takes a second to import
    from loadtest.report.comparison_screen import print_comparison
    from loadtest.result import load_result

    check_writable(*(path for path in (html_path, json_path) if path is not None))
    results = load_result(first), load_result(second)
    comparison = compare(*results, (str(first), str(second)), seed)
    if json_path is not None:
        write_output(json_path, comparison.model_dump_json(indent=1) + "\n")
    if html_path is not None:
        from loadtest.report.comparison import write_comparison

        write_comparison(*results, comparison, html_path)
    print_comparison(comparison, Console(highlight=False))
