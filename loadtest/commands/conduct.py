"""One whole run: what is said before it, the load itself, and what is written and said after it."""

from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from loadtest.generator.ports import check_free
from loadtest.output import check_writable
from loadtest.settings import LoadSettings
from lookout.errors import EXIT_FAILURE, EXIT_INTERRUPTED
from lookout.steps import Steps


def conduct(settings: LoadSettings, json_path: Path, html_path: Path, evidence: str | None, in_cluster: bool) -> None:
    """Brief, run, write, show; ends by typer.Exit with the verdict's code, or 1 or 130, where it is not 0.

    Raises LookoutError when the target is not there or the generator fails, UsageError for what cannot work.
    """
    check_writable(json_path, html_path)
    from loadtest.ceiling.record import check_rate
    from loadtest.commands.briefing import briefing  # late, as all that follow: numpy, scipy, matplotlib and the photos
    from loadtest.commands.screen import Progress, print_summary
    from loadtest.gate.evidence_file import check_evidence, write_evidence
    from loadtest.report import write_report
    from loadtest.run import run_load
    from loadtest.target import meet

    if evidence is not None:
        check_evidence(evidence, settings, json_path, html_path)
    warning = None if in_cluster or settings.master is not None else check_rate(settings)
    aside = Console(stderr=True, highlight=False)
    for line in [*briefing(settings), *([f"near the generator's ceiling: {warning}"] if warning else [])]:
        aside.print(Text(line))
    if settings.web_port is not None:
        check_free("--web", "127.0.0.1", settings.web_port)
    if settings.master is not None:
        host, _, port = settings.master.rpartition(":")
        check_free("--master", host, int(port))
    if in_cluster:
        from loadtest.incluster.run import run_in_cluster  # later still: the Kubernetes client

        with Steps("load-run").step("Load in the cluster") as step:
            result = run_in_cluster(settings, step.detail)
    else:
        service = meet(settings.url, settings.expect)
        with Progress(settings) as progress:
            result = run_load(settings, service, progress.show)
    result.save(json_path)
    write_report(result, html_path)
    print_summary(result, Console(highlight=False), json_path, html_path)
    if evidence is not None:
        Console(highlight=False).print(f"evidence: {write_evidence(result, evidence)}", soft_wrap=True)
    if result.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    if result.verdict is not None:
        raise typer.Exit(result.verdict.exit_code)
    if not result.ok:
        raise typer.Exit(EXIT_FAILURE)
