"""`lookout load`: put load on the detector and read what was found."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loadtest.output import check_writable, default_paths, latest_result
from loadtest.screen import Progress, print_summary
from loadtest.settings import DEFAULT_URL, settings_from_options
from lookout.errors import EXIT_FAILURE, EXIT_INTERRUPTED

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Load the detector and report.")


@app.command("run")
def run_command(
    url: Annotated[str, typer.Option(help="Base URL of the detector.", envvar="LOOKOUT_URL")] = DEFAULT_URL,
    users: Annotated[int, typer.Option(help="Clients that each wait for their answer before they send again.")] = 4,
    spawn_rate: Annotated[float, typer.Option(help="Users started a second.")] = 4.0,
    duration: Annotated[str, typer.Option(help="How long, for example 45s, 2m or 1h.")] = "30s",
    seed: Annotated[int, typer.Option(help="Decides which photo each user sends next.")] = 1,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Result file. [default: reports/load-<time>.json]", show_default=False)
    ] = None,
    html_path: Annotated[
        Path | None, typer.Option("--html", help="Report file. [default: reports/load-<time>.html]", show_default=False)
    ] = None,
) -> None:
    """Send real photos through the Service, check every answer, write a JSON result and an HTML report.

    A closed-loop smoke load: it shows that the road works, it certifies neither latency nor capacity.

    Exit codes: 0 every answer correct, 1 errors or no target, 64 wrong usage, 130 Ctrl-C (a partial report is written).
    """
    settings = settings_from_options(url=url, users=users, spawn_rate=spawn_rate, duration=duration, seed=seed)
    default_json, default_html = default_paths(datetime.now(UTC))
    json_path, html_path = json_path or default_json, html_path or default_html
    check_writable(json_path, html_path)

    from loadtest.report import write_report  # late: matplotlib, httpx and the photos take a second to import
    from loadtest.run import run_load
    from loadtest.target import ask_service

    service = ask_service(settings.url)
    with Progress(settings) as progress:
        result = run_load(settings, service, progress.show)
    result.save(json_path)
    write_report(result, html_path)
    print_summary(result, Console(highlight=False), json_path, html_path)
    if result.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    if not result.ok:
        raise typer.Exit(EXIT_FAILURE)


@app.command("report")
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
    from loadtest.report import write_report
    from loadtest.result import load_result

    result_path = result_path or latest_result()
    html_path = html_path or result_path.with_suffix(".html")
    check_writable(html_path)
    result = load_result(result_path)
    write_report(result, html_path)
    print_summary(result, Console(highlight=False), result_path, html_path)
