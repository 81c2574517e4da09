"""The report of two runs beside each other: the conclusion first, then figures and curves over each other."""

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from loadtest.comparison.compare import Comparison, Difference
from loadtest.output import write_output
from loadtest.report import words
from loadtest.report.difference import conclusion, differences
from loadtest.report.figure import BLUE, INK, ORANGE, SOFT, draw_bars, draw_svg, legend_above, plain
from loadtest.report.page import Plot, Table, fill
from loadtest.report.percentiles import Curve, percentile_plot
from loadtest.report.run import bound_ms
from loadtest.report.series import Columns, buckets, columns
from loadtest.report.timeline import latency_axis, time_axis
from loadtest.report.verdict import Banner
from loadtest.result import LoadResult

_STYLES: Final = ((BLUE, "-", "o"), (ORANGE, "--", "^"))


def write_comparison(first: LoadResult, second: LoadResult, comparison: Comparison, path: Path) -> None:
    """Render and write the report, whole or not at all."""
    write_output(path, render(first, second, comparison))


def render(first: LoadResult, second: LoadResult, comparison: Comparison) -> str:
    """The report as one HTML file that fetches nothing."""
    word, sentences = conclusion(comparison)
    real = any(difference.significant for difference in comparison.differences)
    runs = (first, second)
    tables = [columns(run.samples) for run in runs]
    return fill(
        "comparison.html.j2",
        title="Two load runs compared",
        names=(comparison.first, comparison.second),
        subtitles=[words.subtitle(run) for run in runs],
        verdict=Banner("fail" if real else "unknown", "≠" if real else "≈", word, tuple(sentences)),
        warnings=comparison.warnings,
        tested=differences(comparison),
        reasons=[(difference.name, difference.reason) for difference in comparison.differences],
        each=f"{100 * comparison.confidence:.4g}",
        together=f"{100 * comparison.confidence_together:.4g}",
        seed=comparison.seed,
        plots=_plots(runs, tables, comparison),
        figures=_figures(runs),
    )


def _plots(runs: tuple[LoadResult, LoadResult], tables: list[Columns], comparison: Comparison) -> list[Plot]:
    plots = []
    told = [difference for difference in comparison.differences if difference.low is not None]
    if told:
        caption = "Bars across zero can be chance. Each is relative to the first run's figure."
        plots.append(Plot("How much they differ", caption, _intervals(told)))
    curves = [
        Curve(name, table.latency_ms[table.ok & np.isfinite(table.latency_ms)])
        for name, table in zip(("first", "second"), tables, strict=True)
    ]
    if all(curve.values_ms.size for curve in curves):
        caption = "Latency of correct answers from the intended start; from p90 on each tick is ten times rarer."
        alt = "Latency by percentile of both runs over each other."
        plots.append(Plot("Latency by percentile", caption, percentile_plot("curves", alt, curves, bound_ms(runs[0]))))
        plots.append(Plot("Median latency over time", "By the moment requests were meant to start.", _latency(tables)))
    if all(table.intended_s.size for table in tables):
        caption = "Correct answers a second when they came; thin dotted: what each schedule meant to send."
        plots.append(Plot("Throughput", caption, _throughput(tables)))
    return plots


def _intervals(told: list[Difference]) -> str:
    alt = "; ".join(f"{difference.name} {difference.first} to {difference.second}" for difference in told)

    def draw(axes: Axes) -> None:
        for row, difference in enumerate(reversed(told)):
            scale = 100 / (difference.first or difference.second or 1.0)
            low, high = scale * (difference.low or 0.0), scale * (difference.high or 0.0)
            middle = scale * ((difference.second or 0.0) - (difference.first or 0.0))
            colour = ORANGE if difference.significant else BLUE
            axes.plot([low, high], [row, row], color=colour, lw=5, alpha=0.45, solid_capstyle="butt")
            axes.plot([low, high], [row, row], "|", color=INK, markersize=9)
            axes.plot(
                [middle], [row], "D" if difference.significant else "o", color=colour, markeredgecolor=INK, markersize=7
            )
        axes.axvline(0, color=INK, lw=1.3, ls=(0, (7, 2, 1, 2)))
        axes.set_yticks(range(len(told)), [plain(difference.name) for difference in reversed(told)])
        axes.set_ylim(-0.6, len(told) - 0.4)
        axes.margins(x=0.08)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("second minus first, % of the first")

    return draw_bars("intervals", alt, draw, 0.95 + 0.36 * len(told))


def _latency(tables: list[Columns]) -> str:
    parts = buckets(max(float(table.intended_s.max()) for table in tables))

    def draw(axes: Axes) -> None:
        highest = []
        for name, table, (colour, style, marker) in zip(("first", "second"), tables, _STYLES, strict=True):
            good = table.ok & np.isfinite(table.latency_ms)
            (middle,) = parts.percentiles(table.intended_s[good], table.latency_ms[good], (50,))
            axes.plot(
                parts.middles_s, middle, style, color=colour, marker=marker, markersize=3.6,
                markevery=max(parts.count // 25, 1), label=name,
            )  # fmt: skip
            highest.append(middle[np.isfinite(middle)])
        latency_axis(axes, np.concatenate(highest), None)
        time_axis(axes, float(parts.edges_s[-1]), "median, ms")
        legend_above(axes)

    return draw_svg("medians", "Median latency of both runs over time.", draw, height_in=2.4)


def _throughput(tables: list[Columns]) -> str:
    parts = buckets(max(float(table.intended_s.max()) for table in tables))

    def draw(axes: Axes) -> None:
        for name, table, (colour, style, _) in zip(("first", "second"), tables, _STYLES, strict=True):
            arrived = table.arrived_s[table.ok & np.isfinite(table.latency_ms)]
            correct = parts.per_second(arrived[arrived < parts.edges_s[-1]])
            axes.stairs(parts.per_second(table.intended_s), parts.edges_s, color=SOFT, lw=0.7, ls=":", baseline=None)
            axes.stairs(correct, parts.edges_s, color=colour, lw=1.6, ls=style, baseline=None, label=name)
        axes.set_ylim(0, None)
        time_axis(axes, float(parts.edges_s[-1]), "a second")
        legend_above(axes)

    return draw_svg("throughputs", "Correct answers a second of both runs over time.", draw, height_in=2.4)


def _figures(runs: tuple[LoadResult, LoadResult]) -> Table:
    """Everything that is not tested, side by side."""
    lines = [("verdict", *(run.verdict.outcome if run.verdict else "none asked" for run in runs))]
    facts = [dict(words.facts(run)) for run in runs]
    names = [*facts[0], *(name for name in facts[1] if name not in facts[0])]
    lines += [(name, *(fact.get(name, words.UNKNOWN) for fact in facts)) for name in names]
    return Table(("figure", "first", "second"), tuple(lines))
