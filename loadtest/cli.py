"""`lookout load`: put load on the detector and read what was found."""

import typer

from loadtest.capacity.cli import capacity_command
from loadtest.ceiling.command import ceiling_command
from loadtest.commands.lesser import profiles_command, worker_command
from loadtest.commands.run import run_command
from loadtest.report.cli import compare_command, report_command
from loadtest.simulation.cli import simulate_command
from loadtest.termination import as_ctrl_c

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Load the detector and report.")


@app.callback()
def _every_command(context: typer.Context) -> None:
    context.with_resource(as_ctrl_c())


app.command("run")(run_command)
app.command("profiles")(profiles_command)
app.command("worker")(worker_command)
app.command("report")(report_command)
app.command("compare")(compare_command)
app.command("ceiling")(ceiling_command)
app.command("capacity")(capacity_command)
app.command("simulate")(simulate_command)
