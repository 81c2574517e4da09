"""`lookout load capacity`: measure how much a pod and its replicas can do, and record it for whoever sizes them."""

import shlex
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from loadtest.capacity.machine import EXAMPLE, THIS_MACHINE
from loadtest.gate.slo import DEFAULT_SLO, format_slo, parse_slo
from loadtest.output import REPORTS, check_writable, write_output
from lookout import contract
from lookout.errors import EXIT_FAILURE, EXIT_INTERRUPTED, UsageError

if TYPE_CHECKING:
    from loadtest.capacity.record import CapacityRecord

_CONCURRENCY = "1,2,4,8,16,32"
_REPLICAS = "1,2,3,4,5,6"
_ORDER = ", ".join(contract.ENVIRONMENTS)


def capacity_command(
    env: Annotated[
        str | None, typer.Option(help=f"Environment whose release is measured: {_ORDER}. [default: prod]")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Measure what answers here instead; nothing is sized from it.")
    ] = None,
    slo: Annotated[str | None, typer.Option(help=f"What must hold. [default: {format_slo(DEFAULT_SLO)}]")] = None,
    machine_type: Annotated[
        str, typer.Option(help="Name of this type of machine, as its provider calls it.")
    ] = THIS_MACHINE,
    prices: Annotated[
        Path | None, typer.Option(help=f"Table of list prices, as {EXAMPLE.name} shows; none is shipped.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Longer runs and five repeats: narrower intervals.")] = False,
    concurrency: Annotated[str, typer.Option(help="Requests kept in flight in one pod.")] = _CONCURRENCY,
    replicas: Annotated[str, typer.Option(help="Numbers of pods.")] = _REPLICAS,
    limit_millicores: Annotated[
        int, typer.Option(min=50, help="Of each pod while replicas are swept, so that they do not share a core.")
    ] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Decides schedules and photos.")] = 1,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Also write the record here. [default: reports/ with --url]")
    ] = None,
    html_path: Annotated[
        Path | None, typer.Option("--html", help="Report file. [default: reports/capacity-<time>.html]")
    ] = None,
    kubeconfig: Annotated[str | None, typer.Option(help="Default: $KUBECONFIG, else the local node's.")] = None,
) -> None:
    """Measure one pod and its replicas, and commit capacity/<digest>/<machine-type>.json in deploy/.

    Pods of their own in namespace lookout-capacity are measured, with the environment's image and settings, and
    removed at the end. Ctrl-C, or being told to end, keeps what there is in reports/.

    Exit codes: 0 measured and sized, 1 measured but not enough to size from, 64 wrong usage, 130 Ctrl-C.
    """
    if env and url:
        raise UsageError("--env and --url exclude each other", "name one of them")
    from loadtest.capacity.effort import FULL, QUICK, expected_s  # late: numpy and scipy take seconds to import
    from loadtest.capacity.measurement import Measurement, Wanted
    from loadtest.capacity.sweep import parse_ns
    from loadtest.capacity.targets import Given, RealRuns, environment_target, url_target

    slo_terms = parse_slo(slo) if slo else DEFAULT_SLO
    ns, pods = parse_ns(concurrency, "--concurrency"), parse_ns(replicas, "--replicas")
    effort = FULL if full else QUICK
    stem = f"capacity-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    html_path = html_path or REPORTS / f"{stem}.html"
    check_writable(html_path, *([json_path] if json_path else []))
    console = Console(stderr=True, highlight=False)
    shortest, longest = expected_s(effort, len(ns), 0 if url else len(pods), slo_terms)
    console.print(f"{effort.name} measurement: about {shortest / 60:.0f} to {longest / 60:.0f} minutes", markup=False)

    given = Given(machine_type, prices, limit_millicores, kubeconfig, _command())
    wanted = Wanted(ns, () if url else pods, None if url else limit_millicores, slo_terms, effort, seed)
    began = time.monotonic()

    def say(line: str) -> None:
        console.print(f"{time.monotonic() - began:5.0f} s  {line}", markup=False)

    opened = url_target(url, given) if url else environment_target(env or contract.PRODUCTION, given, say)
    measurement, interrupted = None, False
    try:
        with opened as (subject, target):
            measurement = Measurement(wanted, subject, say)
            measurement.make(target, RealRuns())
    except KeyboardInterrupt:
        if measurement is None:
            raise
        interrupted = True
    record = measurement.record(interrupted)
    if json_path is None and (interrupted or record.digest is None):
        json_path = REPORTS / f"{stem}{'-partial' * interrupted}.json"
    _keep(record, json_path, html_path, console)
    if interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    if record.sizing is None:
        raise typer.Exit(EXIT_FAILURE)


def _keep(record: "CapacityRecord", json_path: Path | None, html_path: Path, console: Console) -> None:
    """Show it, write the files, and commit it in deploy/ when it is whole and of a release."""
    from loadtest.capacity.screen import show
    from loadtest.capacity.store import commit
    from loadtest.report.capacity import write_capacity_report

    show(record, Console(highlight=False))
    if json_path is not None:
        write_output(json_path, record.text())
        console.print(f"record: {json_path}", markup=False)
    if record.digest is not None and not record.interrupted:
        console.print(commit(record), markup=False)
    write_capacity_report(record, html_path)
    console.print(f"report: {html_path}", markup=False)


def _command() -> str:
    return "lookout " + shlex.join(sys.argv[1:])
