"""What happened when, as the client saw it: latency, throughput against the intended rate, errors."""

from collections import Counter
from collections.abc import Callable
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from loadtest.report.figure import (
    AMBER,
    BLUE,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    SOFT,
    draw_svg,
    legend_above,
    plain,
)
from loadtest.report.series import Buckets, Columns, Floats, visible_dots

Rate = Callable[[float], float]
"""Requests a second that the schedule intends at a moment, in seconds since its start."""

_LOG_FROM: Final = 20.0
"""Where the worst answer took this many medians, a linear axis would press the median to the floor."""
_KINDS: Final = 5
_KIND_STYLES: Final = (
    (ORANGE, "////"),
    (SKY, "----"),
    (AMBER, "xxxx"),
    (PURPLE, "\\\\\\\\"),
    (BLUE, "++++"),
    (PAPER, ""),
)


def latency_plot(columns: Columns, parts: Buckets, bound_ms: float | None) -> str:
    """Every correct answer as a dot over the time it was meant to start; median and worst of each part as lines."""
    good = columns.ok & np.isfinite(columns.latency_ms)
    at_s, latency, service = columns.intended_s[good], columns.latency_ms[good], columns.service_ms[good]
    middle, worst = parts.percentiles(at_s, latency, (50, 100))
    plain_middle, plain_worst = parts.percentiles(at_s, service, (50, 100))
    peak = int(np.nanargmax(worst))
    alt = (
        f"Latency from the intended start over time: median {np.median(latency):.1f} ms, worst {latency.max():,.1f} ms "
        f"near second {parts.middles_s[peak]:.0f}."
    )

    def draw(axes: Axes) -> None:
        x, y = _dots(at_s, latency)
        # Dots become one embedded picture: as shapes they would weigh a megabyte for each ten thousand requests.
        axes.plot(x, y, ".", color="#808080", alpha=0.45, markersize=2.4, markeredgewidth=0, rasterized=True)
        every = max(parts.count // 25, 1)
        axes.plot(
            parts.middles_s,
            worst,
            "--^",
            color=ORANGE,
            markersize=4,
            markevery=every,
            lw=1.4,
            label=f"worst of {parts.width_s:g} s",
        )
        axes.plot(parts.middles_s, middle, "-o", color=BLUE, markersize=3.6, markevery=every, label="median")
        axes.plot(parts.middles_s, plain_worst, ":", color=INK, lw=0.9, label="service time alone (both)")
        axes.plot(parts.middles_s, plain_middle, ":", color=INK, lw=0.9)
        _bound(axes, bound_ms)
        _time_axis(axes, parts, "latency, ms")
        latency_axis(axes, latency, bound_ms)
        legend_above(axes)

    return draw_svg("latency", alt, draw, height_in=3.3)


def throughput_plot(columns: Columns, parts: Buckets, rate: Rate | None) -> str:
    """Correct answers a second when they came, against what the schedule meant to send."""
    arrived = columns.arrived_s[columns.ok & np.isfinite(columns.latency_ms)]
    correct = parts.per_second(arrived[arrived < parts.edges_s[-1]])
    sent = parts.per_second(columns.intended_s)
    alt = f"Throughput over time: {correct.mean():.1f} correct answers a second on average, {sent.mean():.1f} intended."

    def draw(axes: Axes) -> None:
        axes.stairs(sent, parts.edges_s, color=SOFT, fill=True, alpha=0.18, label="intended starts")
        axes.stairs(sent, parts.edges_s, color=SOFT, lw=0.7)
        if rate is not None:
            fine = np.linspace(0, parts.edges_s[-1], 400)
            axes.plot(fine, [rate(float(t)) for t in fine], "--", color=INK, lw=1.2, label="intended rate")
        axes.stairs(correct, parts.edges_s, color=BLUE, lw=1.8, baseline=None, label="correct answers")
        axes.set_ylim(0, None)
        _time_axis(axes, parts, "a second")
        legend_above(axes)

    return draw_svg("throughput", alt, draw, height_in=2.4)


def errors_plot(columns: Columns, parts: Buckets) -> str:
    """Errors a second, stacked by kind, when they were meant to start; rare kinds together."""
    counted = Counter(error for error in columns.error if error is not None)
    names = [kind for kind, _ in counted.most_common(_KINDS)]
    at: dict[str, list[float]] = {name: [] for name in names}
    for moment, error in zip(columns.intended_s.tolist(), columns.error, strict=True):
        if error is not None:
            at.setdefault(error if error in names else "other kinds", []).append(moment)
    beside = 2 if all(len(kind) <= 40 for kind in at) else 1
    lines = -(-len(at) // beside)
    alt = f"Errors over time: {counted.total():,} in {len(counted)} kinds, most often {plain(names[0])}."

    def draw(axes: Axes) -> None:
        base: Floats = np.zeros(parts.count)
        for (kind, moments), (colour, hatch) in zip(at.items(), _KIND_STYLES, strict=False):
            top = base + parts.per_second(np.asarray(moments))
            axes.stairs(
                top, parts.edges_s, baseline=base, fill=True, facecolor=colour, alpha=0.9, edgecolor=INK, hatch=hatch,
                lw=0.5, label=plain(kind),
            )  # fmt: skip
            base = top
        axes.set_ylim(0, None)
        _time_axis(axes, parts, "errors a second")
        legend_above(axes, beside)

    return draw_svg("errors", alt, draw, height_in=2.0 + 0.19 * lines, legend_lines=lines)


def latency_axis(axes: Axes, latency_ms: Floats, bound_ms: float | None) -> None:
    """Linear from zero, or logarithmic where the worst would hide the rest."""
    positive = latency_ms[latency_ms > 0]
    largest = max(float(latency_ms.max()), bound_ms or 0.0)
    if positive.size and largest > _LOG_FROM * float(np.median(positive)):
        axes.set_yscale("log")
        least = float(np.percentile(positive, 0.5)) / 1.5
        axes.set_ylim(least, largest * 1.6)
        if largest < 300 * least:
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(which="minor", left=False)
    else:
        axes.set_ylim(0, largest * 1.08 or 1.0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")


def time_axis(axes: Axes, end_s: float, label: str) -> None:
    """The axis that all plots of one run share."""
    axes.set_xlim(0, end_s)
    axes.set_xlabel("seconds since the schedule began")
    axes.set_ylabel(label)


def _time_axis(axes: Axes, parts: Buckets, label: str) -> None:
    time_axis(axes, float(parts.edges_s[-1]), label)


def _bound(axes: Axes, bound_ms: float | None) -> None:
    if bound_ms is not None:
        axes.axhline(bound_ms, color=INK, lw=1.1, ls=(0, (7, 2, 1, 2)), label=f"bound {bound_ms:g} ms")


def _dots(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    shown_x, shown_log = visible_dots(x, np.log(np.maximum(y, 1e-6)))
    return shown_x, np.exp(shown_log)
