"""What happened when, beside the requests: the generator's lag, the server's stages, the pods."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from loadtest.report.figure import (
    AMBER,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    draw_rows,
    draw_svg,
    legend_above,
    plain,
)
from loadtest.report.series import Buckets, Columns
from loadtest.report.timeline import time_axis
from loadtest.result import LATE_MS, PodSecond, StageSecond

STAGE_STYLES: Final = {
    "intake": (PAPER, "++++"),
    "queue": (ORANGE, "||||"),
    "decode": (SKY, "////"),
    "preprocess": (AMBER, "----"),
    "inference": (BLUE, ""),
    "postprocess": (GREEN, "xxxx"),
    "encoding": (PURPLE, "\\\\\\\\"),
}
"""Colour and hatch of each of the service's stages, in the order of a photo's way."""
_OTHER_STAGE: Final = (PAPER, "")
_LEGEND_COLUMNS: Final = 4


def lag_plot(columns: Columns, parts: Buckets) -> str:
    """How late the generator started its requests: its own fault, never the server's."""
    started = np.isfinite(columns.lag_ms)
    at_s, lag = columns.intended_s[started], np.maximum(columns.lag_ms[started], 0.0)
    middle, worst = parts.percentiles(at_s, lag, (50, 100))
    dropped = columns.intended_s[~started]
    alt = f"Lag of the generator behind its schedule: median {np.median(lag):.2f} ms, worst {lag.max():.1f} ms."

    def draw(axes: Axes) -> None:
        every = max(parts.count // 25, 1)
        axes.plot(parts.middles_s, worst, "--^", color=ORANGE, markersize=4, markevery=every, lw=1.4, label="worst lag")
        axes.plot(parts.middles_s, middle, "-o", color=BLUE, markersize=3.6, markevery=every, label="median lag")
        axes.axhline(LATE_MS, color=INK, lw=1.1, ls=(0, (7, 2, 1, 2)), label=f"late from {LATE_MS:g} ms")
        top = max(float(np.nanmax(worst)), LATE_MS) * 1.15
        if dropped.size:
            axes.plot(
                dropped, np.full(dropped.size, top * 0.97), "x", color=INK, markersize=4, rasterized=True,
                label="dropped",
            )  # fmt: skip
        axes.set_ylim(0, top)
        time_axis(axes, float(parts.edges_s[-1]), "lag, ms")
        legend_above(axes)

    return draw_svg("lag", alt, draw, height_in=2.1)


def stages_plot(seconds: Sequence[StageSecond], end_s: float) -> str:
    """Where the server spent a request's time, and how many requests it held."""
    names = sorted({name for second in seconds for name in second.stage_ms}, key=_stage_order)
    at = np.asarray([second.at_s for second in seconds])
    stacked = np.asarray([[second.stage_ms.get(name, np.nan) for second in seconds] for name in names])
    wait = np.asarray([second.queue_wait_ms for second in seconds], dtype=np.float64)
    held = np.asarray([second.in_flight for second in seconds], dtype=np.float64)
    told = ", ".join(f"{plain(name)} {np.nanmean(row):.1f} ms" for name, row in zip(names, stacked, strict=True))
    alt = f"Inside the server over time: mean of each stage ({told or 'none told'}), queue wait, requests in flight."

    def draw(rows: Sequence[Axes]) -> None:
        upper, middle, lower = rows
        base = np.zeros(at.size)
        for row, name in enumerate(names):
            colour, hatch = STAGE_STYLES.get(name, _OTHER_STAGE)
            top = base + np.nan_to_num(stacked[row])
            upper.fill_between(
                at, base, top, facecolor=colour, edgecolor=INK, hatch=hatch, alpha=0.85, lw=0.5, label=plain(name)
            )
            base = top
        upper.set_ylim(0, None)
        upper.set_ylabel("stages, ms")
        if names:
            legend_above(upper, _LEGEND_COLUMNS)
        middle.plot(at, wait, "-^", color=ORANGE, markersize=3.6, markevery=max(at.size // 25, 1))
        middle.set_ylim(0, None)
        middle.set_ylabel("wait, ms")
        lower.plot(at, held, drawstyle="steps-post", color=BLUE)
        lower.set_ylim(0, None)
        time_axis(lower, end_s, "in flight")

    lines = max(1, math.ceil(len(names) / _LEGEND_COLUMNS))
    return draw_rows("stages", alt, draw, [2.2, 1.1, 1.25], lines)


def pods_plot(seconds: Sequence[PodSecond], end_s: float) -> str:
    """Pods wanted and ready, and each restart."""
    at = [second.at_s for second in seconds]
    wanted = [second.wanted for second in seconds]
    ready = [second.ready for second in seconds]
    restarts = [second.restarts for second in seconds]
    new = [(t, now - before) for t, before, now in zip(at[1:], restarts, restarts[1:], strict=False) if now > before]
    alt = (
        f"Pods over time: {min(ready)} to {max(ready)} ready, {min(wanted)} to {max(wanted)} wanted, "
        f"{sum(count for _, count in new)} restarts."
    )

    def draw(axes: Axes) -> None:
        axes.fill_between(at, ready, step="post", color=BLUE, alpha=0.15, lw=0)
        axes.plot(at, ready, drawstyle="steps-post", color=BLUE, lw=2.0, label="ready")
        axes.plot(at, wanted, drawstyle="steps-post", color=INK, lw=1.2, ls="--", label="wanted")
        if new:
            axes.plot(
                [t for t, _ in new], [0.12] * len(new), "v", color=ORANGE, markeredgecolor=INK, markersize=8,
                label="container restarted",
            )  # fmt: skip
        axes.set_ylim(0, max(*ready, *wanted, 1) + 0.5)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        time_axis(axes, end_s, "pods")
        legend_above(axes)

    return draw_svg("pods", alt, draw, height_in=1.9)


def _stage_order(name: str) -> tuple[int, str]:
    known = list(STAGE_STYLES)
    return (known.index(name) if name in known else len(known), name)
