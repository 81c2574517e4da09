"""`lookout load run`: its options, and what happens in which order."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from loadtest.options import KINDS, arrivals_from_options, checked, parse_duration, parse_steps
from loadtest.output import check_writable, default_paths
from loadtest.settings import DEFAULT_URL, LoadSettings
from loadtest.slo import parse_slo
from lookout import contract
from lookout.errors import EXIT_FAILURE, EXIT_INTERRUPTED

_SCHEDULE = "When requests start"
_TARGET = "Who is asked"
_LIMITS = "Generator"
_OUTPUT = "Verdict and files"


def run_command(
    url: Annotated[
        str | None,
        typer.Option(help=f"Base URL. [default: {DEFAULT_URL}]", envvar="LOOKOUT_URL", rich_help_panel=_TARGET),
    ] = None,
    path: Annotated[
        str, typer.Option(help="Path that takes an image by POST.", rich_help_panel=_TARGET)
    ] = contract.DETECT_PATH,
    expect: Annotated[
        str | None,
        typer.Option(
            help="any: a status 2xx is correct. lookout: each answer must be the detector's. [default: any with --url]",
            rich_help_panel=_TARGET,
        ),
    ] = None,
    arrivals: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS)}.", rich_help_panel=_SCHEDULE)] = "poisson",
    rate: Annotated[
        float | None, typer.Option(help="Starts a second. [default: 20]", rich_help_panel=_SCHEDULE)
    ] = None,
    to_rate: Annotated[float | None, typer.Option(help="ramp: rate at the end.", rich_help_panel=_SCHEDULE)] = None,
    peak: Annotated[float | None, typer.Option(help="spike, diurnal: highest rate.", rich_help_panel=_SCHEDULE)] = None,
    at: Annotated[str | None, typer.Option(help="spike: when the peak begins.", rich_help_panel=_SCHEDULE)] = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="spike: how long the peak lasts.", rich_help_panel=_SCHEDULE)
    ] = None,
    period: Annotated[str | None, typer.Option(help="diurnal: length of the day.", rich_help_panel=_SCHEDULE)] = None,
    steps: Annotated[
        str | None, typer.Option(help="step: rates and lengths, as 10:30s,20:1m.", rich_help_panel=_SCHEDULE)
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="replay: file with a start in seconds a line.", rich_help_panel=_SCHEDULE)
    ] = None,
    spacing: Annotated[
        str | None,
        typer.Option(help="ramp, step, spike, diurnal: poisson or even. [default: poisson]", rich_help_panel=_SCHEDULE),
    ] = None,
    users: Annotated[
        int | None,
        typer.Option(help="closed: clients that each wait for their answer. [default: 4]", rich_help_panel=_SCHEDULE),
    ] = None,
    duration: Annotated[str, typer.Option(help="For example 45s, 2m or 1h.", rich_help_panel=_SCHEDULE)] = "30s",
    seed: Annotated[int, typer.Option(help="Decides the schedule and the photos.", rich_help_panel=_SCHEDULE)] = 1,
    timeout: Annotated[
        str, typer.Option(help="A request without its whole answer by then is an error.", rich_help_panel=_LIMITS)
    ] = "30s",
    max_in_flight: Annotated[
        int, typer.Option(help="Starts beyond it are dropped, which makes the run invalid.", rich_help_panel=_LIMITS)
    ] = 2_000,
    slo: Annotated[
        str | None, typer.Option(help="What must hold, as p99<=100ms,errors<=0.1%.", rich_help_panel=_OUTPUT)
    ] = None,
    json_path: Annotated[
        Path | None,
        typer.Option("--json", help="Result file. [default: reports/load-<time>.json]", rich_help_panel=_OUTPUT),
    ] = None,
    html_path: Annotated[
        Path | None,
        typer.Option("--html", help="Report file. [default: reports/load-<time>.html]", rich_help_panel=_OUTPUT),
    ] = None,
) -> None:
    """Send real photos on a schedule, whatever the server does, and write a JSON result and an HTML report.

    Latency counts from each request's intended start. With --slo the exit code is the verdict's: 0 pass, 1 fail,
    2 not enough data, 3 generator invalid; without it 0 every answer correct, 1 errors or no target. 64 wrong usage,
    130 Ctrl-C (a partial report is written).
    """
    duration_s = parse_duration(duration)
    if arrivals in ("constant", "poisson") and rate is None:
        rate = 20.0
    if arrivals == "closed" and users is None:
        users = 4
    given: dict[str, Any] = {
        "rate": rate,
        "to_rate": to_rate,
        "peak": peak,
        "at_s": None if at is None else parse_duration(at, "--at"),
        "for_s": None if for_ is None else parse_duration(for_, "--for"),
        "period_s": None if period is None else parse_duration(period, "--period"),
        "steps": None if steps is None else parse_steps(steps),
        "trace": trace,
        "spacing": spacing,
        "users": users,
    }
    settings = checked(
        {
            "url": url or DEFAULT_URL,
            "path": path,
            "arrivals": arrivals_from_options(arrivals, given, duration_s),
            "duration_s": duration_s,
            "seed": seed,
            "expect": expect or ("any" if url else "lookout"),
            "timeout_s": parse_duration(timeout, "--timeout"),
            "max_in_flight": max_in_flight,
            "slo": parse_slo(slo) if slo else (),
        }
    )
    default_json, default_html = default_paths(datetime.now(UTC))
    json_path, html_path = json_path or default_json, html_path or default_html
    check_writable(json_path, html_path)
    _run(settings, json_path, html_path)


def _run(settings: LoadSettings, json_path: Path, html_path: Path) -> None:
    from loadtest.report import write_report  # late: matplotlib, httpx and the photos take a second to import
    from loadtest.run import run_load
    from loadtest.screen import Progress, print_summary
    from loadtest.target import ask_service, knock

    service: dict[str, str] = {}
    if settings.expect == "lookout":
        service = ask_service(settings.url)
    else:
        knock(settings.url)
    with Progress(settings) as progress:
        result = run_load(settings, service, progress.show)
    result.save(json_path)
    write_report(result, html_path)
    print_summary(result, Console(highlight=False), json_path, html_path)
    if result.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    if result.verdict is not None:
        raise typer.Exit(result.verdict.exit_code)
    if not result.ok:
        raise typer.Exit(EXIT_FAILURE)
