"""`lookout load run`: its options, and what happens in which order."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from loadtest.commands.conduct import conduct
from loadtest.commands.options import (
    KINDS,
    parse_duration,
    parse_headers,
    parse_photos,
    schedule_options,
    settings_from,
)
from loadtest.gate.slo import parse_slo
from loadtest.incluster.where import url_from_here, url_in_cluster
from loadtest.output import default_paths
from loadtest.profiles import find_profile
from loadtest.settings import DEFAULT_URL
from lookout import contract
from lookout import token_file as token_files
from lookout.errors import UsageError

_SCHEDULE = "When requests start"
_TARGET = "Who is asked"
_LIMITS = "Generator"
_OUTPUT = "Verdict and files"


def run_command(
    url: Annotated[
        str | None,
        typer.Option(help="Base URL.", show_default=DEFAULT_URL, envvar="LOOKOUT_URL", rich_help_panel=_TARGET),
    ] = None,
    path: Annotated[
        str, typer.Option(help="Path that takes an image by POST.", rich_help_panel=_TARGET)
    ] = contract.DETECT_PATH,
    in_cluster: Annotated[
        bool,
        typer.Option(
            "--in-cluster", help="Run as a Job beside the detector, past every door.", rich_help_panel=_TARGET
        ),
    ] = False,
    environment: Annotated[
        str | None,
        typer.Option("--environment", "--env", help="Of --in-cluster.", show_default="prod", rich_help_panel=_TARGET),
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(
            help="any: a status 2xx is correct. lookout: each answer must be the detector's.",
            show_default="any with --url",
            rich_help_panel=_TARGET,
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(help="'Name: value', may be given again; kept out of results and logs.", rich_help_panel=_TARGET),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File with the API token, where one is needed.", envvar=token_files.VARIABLE, rich_help_panel=_TARGET
        ),
    ] = None,
    photos: Annotated[
        str,
        typer.Option(help="FORMAT[@LONG_SIDE][:WEIGHT], as jpeg:3,webp@1280,png@320.", rich_help_panel=_TARGET),
    ] = "jpeg",
    profile: Annotated[
        str | None,
        typer.Option(help="A named run, whose values the other options override.", rich_help_panel=_SCHEDULE),
    ] = None,
    arrivals: Annotated[
        str | None,
        typer.Option(help=f"One of {', '.join(KINDS)}.", show_default="poisson", rich_help_panel=_SCHEDULE),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Starts a second.", show_default="20", rich_help_panel=_SCHEDULE)
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
        typer.Option(
            help="ramp, step, spike, diurnal: poisson or even.", show_default="poisson", rich_help_panel=_SCHEDULE
        ),
    ] = None,
    users: Annotated[
        int | None,
        typer.Option(
            help="closed: clients that each wait for their answer.", show_default="4", rich_help_panel=_SCHEDULE
        ),
    ] = None,
    duration: Annotated[
        str | None, typer.Option(help="For example 45s, 2m or 1h.", show_default="30s", rich_help_panel=_SCHEDULE)
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides the schedule and the photos.", rich_help_panel=_SCHEDULE)] = 1,
    timeout: Annotated[
        str, typer.Option(help="A request without its whole answer by then is an error.", rich_help_panel=_LIMITS)
    ] = "30s",
    max_in_flight: Annotated[
        int, typer.Option(help="Starts beyond it are dropped, which makes the run invalid.", rich_help_panel=_LIMITS)
    ] = 2_000,
    processes: Annotated[
        int | None,
        typer.Option(
            help="Processes that send, each a share of the schedule.", show_default="1", rich_help_panel=_LIMITS
        ),
    ] = None,
    master: Annotated[
        str | None,
        typer.Option(help="HOST:PORT to listen on for workers of other machines.", rich_help_panel=_LIMITS),
    ] = None,
    expect_workers: Annotated[
        int | None, typer.Option(help="How many of them to wait for, with --master.", rich_help_panel=_LIMITS)
    ] = None,
    web: Annotated[
        int | None, typer.Option(help="Port of Locust's own page on 127.0.0.1 while it lasts.", rich_help_panel=_LIMITS)
    ] = None,
    slo: Annotated[
        str | None, typer.Option(help="What must hold, as p99<=100ms,errors<=0.1%.", rich_help_panel=_OUTPUT)
    ] = None,
    json_path: Annotated[
        Path | None,
        typer.Option("--json", help="Result file.", show_default="reports/load-<time>.json", rich_help_panel=_OUTPUT),
    ] = None,
    html_path: Annotated[
        Path | None,
        typer.Option("--html", help="Report file.", show_default="reports/load-<time>.html", rich_help_panel=_OUTPUT),
    ] = None,
    evidence: Annotated[
        str | None,
        typer.Option(
            help="Evidence of the verdict: a file, or deploy for the configuration's clone.", rich_help_panel=_OUTPUT
        ),
    ] = None,
) -> None:
    """Send real photos on a schedule, whatever the server does, and write a JSON result and an HTML report.

    Latency counts from each request's intended start. With --slo the exit code is the verdict's: 0 pass, 1 fail,
    2 not enough data, 3 generator invalid; without it 0 every answer correct, 1 errors. Nothing to judge, as without a
    target or with a generator that ended, is 1 too. 64 wrong usage, 130 Ctrl-C (a partial report is written).
    """
    if (master is None) != (expect_workers is None):
        raise UsageError("--master and --expect-workers go together", "see: lookout load run --help")
    if master is not None and processes is not None:
        raise UsageError("--processes starts senders here, and --master waits for others", "leave one of them out")
    if in_cluster and (master or web):
        raise UsageError("--in-cluster takes neither --master nor --web", "leave them out")
    if token_file is not None:
        header = [*(header or ()), f"Authorization: Bearer {token_files.read(token_file)}"]
    given = schedule_options(
        rate=rate, to_rate=to_rate, peak=peak, at=at, for_=for_, period=period, steps=steps, trace=trace
    ) | {"spacing": spacing, "users": users}
    chosen: dict[str, Any] = {
        "url": url_in_cluster(url, environment) if in_cluster else url_from_here(url, environment),
        "path": path,
        "duration_s": None if duration is None else parse_duration(duration),
        "seed": seed,
        "expect": expect or ("any" if url else "lookout"),
        "headers": parse_headers(header or ()),
        "photos": parse_photos(photos),
        "timeout_s": parse_duration(timeout, "--timeout"),
        "max_in_flight": max_in_flight,
        "processes": processes if expect_workers is None else expect_workers,
        "master": master,
        "web_port": web,
        "slo": None if slo is None else parse_slo(slo),
    }
    settings = settings_from(None if profile is None else find_profile(profile), arrivals, given, chosen)
    default_json, default_html = default_paths(datetime.now(UTC))
    conduct(settings, json_path or default_json, html_path or default_html, evidence, in_cluster)
