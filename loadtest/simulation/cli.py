"""`lookout load simulate`: what the whole loop would do under a load that nobody has made yet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from lookout.errors import UsageError
from service.settings import Settings

if TYPE_CHECKING:
    from loadtest.capacity.record import CapacityRecord
    from loadtest.simulation.outcome import Outcome
    from loadtest.simulation.plan import Plan

_SCHEDULE, _SCALING, _PLACE, _OUTPUT = "When requests arrive", "Autoscaler", "Where pods run", "Output"


def simulate_command(
    record_path: Annotated[Path, typer.Option("--record", help="Capacity record with the measured numbers.")],
    arrivals: Annotated[
        str, typer.Option(help="constant, poisson, ramp, step, spike, diurnal or replay.", rich_help_panel=_SCHEDULE)
    ] = "poisson",
    rate: Annotated[float | None, typer.Option(help="Requests a second.", rich_help_panel=_SCHEDULE)] = None,
    to_rate: Annotated[float | None, typer.Option(help="ramp: rate at the end.", rich_help_panel=_SCHEDULE)] = None,
    peak: Annotated[float | None, typer.Option(help="spike, diurnal: highest rate.", rich_help_panel=_SCHEDULE)] = None,
    at: Annotated[str | None, typer.Option(help="spike: when the peak begins.", rich_help_panel=_SCHEDULE)] = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="spike: how long it lasts.", rich_help_panel=_SCHEDULE)
    ] = None,
    period: Annotated[str | None, typer.Option(help="diurnal: length of the day.", rich_help_panel=_SCHEDULE)] = None,
    steps: Annotated[str | None, typer.Option(help="step: as 10:30s,20:1m.", rich_help_panel=_SCHEDULE)] = None,
    trace: Annotated[Path | None, typer.Option(help="replay: file of starts.", rich_help_panel=_SCHEDULE)] = None,
    times: Annotated[
        str, typer.Option(help="Multiples of load, most pods and nodes; a row each.", rich_help_panel=_SCHEDULE)
    ] = "1",
    duration: Annotated[str, typer.Option(help="For example 90s, 10m or 24h.", rich_help_panel=_SCHEDULE)] = "10m",
    least: Annotated[int, typer.Option(min=1, help="Fewest pods.", rich_help_panel=_SCALING)] = 2,
    most: Annotated[
        int | None, typer.Option(min=1, help="Most pods. [default: the record's]", rich_help_panel=_SCALING)
    ] = None,
    target: Annotated[
        float | None, typer.Option(help="In flight per pod. [default: the record's]", rich_help_panel=_SCALING)
    ] = None,
    metric_delay: Annotated[str, typer.Option(help="Age of the newest metric.", rich_help_panel=_SCALING)] = "5s",
    pod_start: Annotated[str, typer.Option(help="From scheduled to ready.", rich_help_panel=_PLACE)] = "4s",
    queue_deadline: Annotated[
        str, typer.Option(help="Longest wait in a pod's queue; above it 503.", rich_help_panel=_PLACE)
    ] = f"{Settings().queue_deadline_s:g}s",
    nodes: Annotated[int, typer.Option(min=1, help="There at the start.", rich_help_panel=_PLACE)] = 1,
    most_nodes: Annotated[
        int | None, typer.Option(min=1, help="The pool's maximum. [default: --nodes]", rich_help_panel=_PLACE)
    ] = None,
    pods_per_node: Annotated[
        int | None, typer.Option(min=1, help="[default: the record's]", rich_help_panel=_PLACE)
    ] = None,
    node_start: Annotated[str, typer.Option(help="From asked for to taking pods.", rich_help_panel=_PLACE)] = "2m",
    cores_per_node: Annotated[
        float | None, typer.Option(help="Cores that a node's pods share. [default: one each]", rich_help_panel=_PLACE)
    ] = None,
    balancing: Annotated[
        str, typer.Option(help="random, least-loaded or round-robin.", rich_help_panel=_PLACE)
    ] = "random",
    seed: Annotated[int, typer.Option(min=0, help="Decides arrivals and service times.")] = 1,
    compare: Annotated[
        Path | None,
        typer.Option(help="Result of a real run: simulate its arrivals, show both.", rich_help_panel=_OUTPUT),
    ] = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Also write every second as JSON.", rich_help_panel=_OUTPUT)
    ] = None,
) -> None:
    """Simulate arrivals, pods, autoscaler and nodes with measured numbers: a what-if, never a setting or evidence.

    Exit codes: 0 simulated, 1 no usable record or run, 64 wrong usage.
    """
    from loadtest.capacity.record_file import load  # late: numpy and scipy take seconds to import
    from loadtest.commands.options import arrivals_from, parse_duration, schedule_options
    from loadtest.simulation import compare as comparing
    from loadtest.simulation import scaled, screen
    from loadtest.simulation.plan import WHAT_IF

    duration_s = parse_duration(duration)
    record = load(record_path)
    choices = {
        "least": least,
        "most": most,
        "target": target,
        "metric_delay_s": parse_duration(metric_delay, "--metric-delay"),
        "queue_deadline_s": parse_duration(queue_deadline, "--queue-deadline"),
        "pod_start_s": parse_duration(pod_start, "--pod-start"),
        "nodes": nodes,
        "most_nodes": most_nodes or nodes,
        "pods_per_node": pods_per_node,
        "node_start_s": parse_duration(node_start, "--node-start"),
        "cores_per_node": cores_per_node,
        "balancing": balancing,
        "seed": seed,
    }
    console = Console(highlight=False)
    console.print(WHAT_IF, style="bold yellow", markup=False)
    if compare is not None:
        from loadtest.result import load_result

        run = load_result(compare)
        outcome = comparing.replayed(_plan(record, choices, run.duration_s, 1), run)
        screen.show_comparison(console, comparing.side_by_side(run, outcome))
        _save([outcome], json_path, console)
        return
    given = schedule_options(
        rate=rate, to_rate=to_rate, peak=peak, at=at, for_=for_, period=period, steps=steps, trace=trace
    )
    known = {name: value for name, value in given.items() if value is not None}
    schedule = scaled.open_schedule(arrivals_from(arrivals, known, duration_s))
    outcomes = []
    for factor in _factors(times):
        plan = _plan(record, choices, duration_s, factor)
        outcomes.append(_run(plan, scaled.scaled(schedule, factor), f"{arrivals} x {factor:g}"))
    screen.show_outcomes(console, outcomes)
    _save(outcomes, json_path, console)


def _plan(record: "CapacityRecord", choices: dict[str, Any], duration_s: float, factor: float) -> "Plan":
    from loadtest.simulation import from_record

    try:
        return from_record.plan(record, choices, duration_s, factor)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{where}: {first['msg']}", "see: lookout load simulate --help") from error


def _run(plan: "Plan", schedule: Any, name: str) -> "Outcome":
    """Request by request where that takes seconds, pods side by side where there are too many."""
    import numpy as np

    from loadtest.simulation import exact, side_by_side

    expected = float(schedule.expected(np.array([plan.duration_s]))[0])
    if schedule.kind == "replay" or plan.balancing != "random" or expected <= exact.QUICK_REQUESTS:
        if expected > exact.MOST_REQUESTS:
            raise UsageError(
                f"{expected:,.0f} requests one by one are too many for --balancing {plan.balancing}",
                "use --balancing random, or a shorter --duration",
            )
        return exact.simulate(plan, np.asarray(schedule.times(plan.duration_s, plan.seed)), name)
    return side_by_side.simulate(plan, schedule.rate_at, name)


def _factors(text: str) -> list[float]:
    try:
        factors = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--times: {text!r} are not numbers", "write them as 1,10,100") from error
    if min(factors) <= 0:
        raise UsageError(f"--times: {text!r} must be above zero", "write them as 1,10,100")
    return factors


def _save(outcomes: "list[Outcome]", path: Path | None, console: Console) -> None:
    if path is None:
        return
    import json

    from loadtest.output import write_output

    write_output(path, json.dumps([outcome.model_dump(mode="json") for outcome in outcomes], indent=1) + "\n")
    console.print(f"what-if: {path}", markup=False)
