"""Latency by percentile, on the scale of HDR histograms: each step to the right is ten times rarer."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes

from loadtest.report.figure import BLUE, GREEN, INK, ORANGE, PAPER, SOFT, draw_svg, legend_above
from loadtest.report.series import Floats, rarity_curve
from loadtest.report.timeline import latency_axis

_TICKS: Final = tuple(float(10**power) for power in range(1, 8))
_STYLES: Final = ((BLUE, "-", 2.0), (ORANGE, "--", 2.0), (GREEN, "-.", 1.6), (SOFT, ":", 1.4))


class Curve(NamedTuple):
    """One distribution of latencies in milliseconds, and what it is called."""

    name: str
    values_ms: Floats


def percentile_plot(name: str, alt: str, curves: Sequence[Curve], bound_ms: float | None, percent: float = 99.0) -> str:
    """Curves over 1 / (1 - percentile), and the corner (`percent`, `bound_ms`) under which they have to pass."""
    longest = max(curve.values_ms.size for curve in curves)

    def draw(axes: Axes) -> None:
        for curve, (colour, style, width) in zip(curves, _STYLES, strict=False):
            axes.plot(*rarity_curve(curve.values_ms), style, color=colour, lw=width, label=curve.name)
        axes.set_xscale("log")
        shown = [2.0, *(tick for tick in _TICKS if tick <= max(10.0, longest * 2))]
        axes.set_xticks(shown, [f"p{100 * (1 - 1 / tick):.8g}" for tick in shown])
        axes.minorticks_off()
        axes.set_xlim(1.0, max(20.0, longest * 2.4))
        latency_axis(axes, curves[0].values_ms, bound_ms)
        if bound_ms is not None:
            _corner(axes, 1 / (1 - percent / 100), bound_ms, f"p{percent:g} ≤ {bound_ms:g} ms: pass below the corner")
        axes.set(xlabel="percentile (p90, p99, p99.9: each ten times rarer)", ylabel="latency, ms")
        axes.minorticks_off()
        legend_above(axes)

    return draw_svg(name, alt, draw, height_in=3.2)


def _corner(axes: Axes, rarity: float, bound_ms: float, label: str) -> None:
    top = axes.get_ylim()[1]
    axes.plot([1, rarity, rarity], [bound_ms, bound_ms, top], color=INK, lw=1.1, ls=(0, (7, 2, 1, 2)))
    axes.plot([rarity], [bound_ms], "D", color=INK, markersize=5)
    axes.annotate(
        label, (rarity, bound_ms), xytext=(-9, 6), textcoords="offset points", ha="right", va="bottom",
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
    )  # fmt: skip
