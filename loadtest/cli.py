"""`lookout load`: put load on the detector and read what was found."""

import typer

from loadtest.ceiling.command import ceiling_command
from loadtest.command import run_command
from loadtest.report.cli import report_command

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Load the detector and report.")


app.command("run")(run_command)
app.command("report")(report_command)
app.command("ceiling")(ceiling_command)
