"""The report of one run: verdict, what was asked, and the plots on one time axis."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from loadtest import wording
from loadtest.report import health, timeline, verdict, words
from loadtest.report.figure import plain
from loadtest.report.page import Plot, Table, fill
from loadtest.report.percentiles import Curve, percentile_plot
from loadtest.report.series import Buckets, Columns, buckets, columns
from loadtest.result import LATE_MS, LoadResult


class Section(NamedTuple):
    """A chapter of the report."""

    title: str
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def render(result: LoadResult) -> str:
    """The report as one HTML file that fetches nothing."""
    table = columns(result.samples)
    parts = buckets(_end_s(result, table))
    judged = result.verdict
    return fill(
        "run.html.j2",
        title=f"Load report, {result.started_at:%Y-%m-%d %H:%M:%S} UTC",
        subtitle=words.subtitle(result),
        verdict=verdict.banner(result),
        notes=_notes(result),
        figures=words.key_figures(result),
        terms=verdict.terms(judged) if judged and judged.terms else None,
        rule=verdict.rule(judged) if judged else "",
        arithmetic=[(term.term, term.arithmetic) for term in judged.terms] if judged else [],
        steady=judged.steady_reason if judged else "",
        certainty=verdict.certainty(judged) if judged and judged.terms else None,
        asked=words.asked(result, _intent(result)),
        answered=words.answered(result),
        sections=[
            section
            for section in (
                _over_time(result, table, parts),
                _percentiles(result, table),
                _errors(result, table, parts),
                _generator(result, table, parts),
                _server(result, parts),
            )
            if section is not None
        ],
        schema=result.schema_version,
    )


def bound_ms(result: LoadResult) -> float | None:
    """The latency bound of the SLO, None where it has none."""
    return next((1000 * term.bound for term in result.settings.slo if term.measure == "p99"), None)


def intended_rate(result: LoadResult) -> Callable[[float], float] | None:
    """Starts a second that the schedule means at a moment; None in a closed loop, which has no schedule."""
    arrivals = result.settings.arrivals
    return None if arrivals.kind == "closed" else arrivals.rate_at


def _end_s(result: LoadResult, table: Columns) -> float:
    last = float(table.intended_s.max()) if table.intended_s.size else 0.0
    return max(result.duration_s, last, 0.1)


def _intent(result: LoadResult) -> str | None:
    if result.settings.profile is None:
        return None
    from loadtest.profiles import PROFILES  # late: most runs have none

    profile = PROFILES.get(result.settings.profile)
    return profile.intent if profile else None


def _notes(result: LoadResult) -> list[str]:
    notes = []
    if wording.is_busy(result):
        notes.append(
            f"A process of the generator used {max(result.generator.cpu_cores):.2f} of a core, more than "
            f"{wording.BUSY_CORES}: part of these latencies is its own delay."
        )
    return notes


def _over_time(result: LoadResult, table: Columns, parts: Buckets) -> Section | None:
    if not table.intended_s.size:
        return None
    plots = []
    if result.latency_ms is not None:
        plots.append(
            Plot(
                "Latency over time",
                "Each dot is a correct answer, at the moment it was meant to be asked for. When the server stalls, all "
                "that was meant for that time waits, and the stall stands there as tall as it was long.",
                timeline.latency_plot(table, parts, bound_ms(result)),
            )
        )
    plots.append(
        Plot(
            "Throughput against the intended rate",
            "Grey: starts that the schedule drew. Blue: correct answers, when they came. A gap: work not done in time.",
            timeline.throughput_plot(table, parts, intended_rate(result)),
        )
    )
    return Section("Over time", tuple(plots))


def _percentiles(result: LoadResult, table: Columns) -> Section | None:
    shown = words.latency_table(result)
    if shown is None or result.latency_ms is None:
        return Section("Percentiles", notes=("No answer was correct, so there is none.",))
    good = table.ok & np.isfinite(table.latency_ms)
    curves = [Curve("from the intended start", table.latency_ms[good]), Curve("service time", table.service_ms[good])]
    alt = f"Latency by percentile: median {words.milliseconds(result.latency_ms.p50)}, largest "
    alt += words.milliseconds(result.latency_ms.max)
    plot = Plot(
        "Latency by percentile",
        "The scale of HDR histograms: from p90 on each tick is ten times rarer. Where both lines part, requests "
        "waited before they could start.",
        percentile_plot("percentiles", alt, curves, bound_ms(result)),
    )
    return Section("Percentiles", (plot,), (shown,))


def _errors(result: LoadResult, table: Columns, parts: Buckets) -> Section | None:
    if bool(table.ok.all()):
        return None
    caption = "Requests without a correct answer, at the moment they were meant to start, stacked by kind."
    total = result.counts.intended
    kinds = tuple(
        (plain(kind), f"{count:,}", f"{100 * count / total:.2f} %") for kind, count in result.errors_by_kind.items()
    )
    for kind, count in (("unfinished", result.counts.unfinished), ("dropped", result.counts.dropped)):
        kinds += ((f"{kind}", f"{count:,}", f"{100 * count / total:.2f} %"),) if count else ()
    plot = Plot("Errors over time", caption, timeline.errors_plot(table, parts))
    return Section("Errors", (plot,), (Table(("kind", "requests", "of intended"), kinds),))


def _generator(result: LoadResult, table: Columns, parts: Buckets) -> Section:
    plots: tuple[Plot, ...] = ()
    if np.isfinite(table.lag_ms).any():
        caption = (
            f"How much later than meant requests really started. More than 1 % over {LATE_MS:g} ms late, or one "
            "dropped, and the run says nothing about the server."
        )
        plots = (Plot("Lag behind the schedule", caption, health.lag_plot(table, parts)),)
    return Section("Generator's health", plots, facts=tuple(words.generator_facts(result)))


def _server(result: LoadResult, parts: Buckets) -> Section | None:
    seen = result.observations
    end_s = float(parts.edges_s[-1])
    plots, tables = [], []
    if seen.stages:
        caption = (
            "Means over about a second each, from the service's own histograms. Above: the time of each stage, "
            "stacked. Then the wait for a worker, and the requests that the server held. "
            f"Asked: {seen.stages_from}."
        )
        plots.append(Plot("Stages in the server", caption, health.stages_plot(seen.stages, end_s)))
        tables.append(words.stage_table(seen))
    if seen.pods:
        caption = "What Kubernetes said of the detector's pods behind the target."
        plots.append(Plot("Pods and restarts", caption, health.pods_plot(seen.pods, end_s)))
        tables.append(words.pod_table(seen))
    return Section("Server side", tuple(plots), tuple(tables)) if plots else None
