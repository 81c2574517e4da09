"""A run's plots as inline SVG: text stays text, colours are Okabe and Ito's, and no line is told by colour alone."""

import io
import math
import re
from collections.abc import Callable
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.result import LoadResult
from loadtest.statistics import Second, by_second

# Masataka Okabe and Kei Ito, "Color Universal Design" (2008); dark enough on white, distinct in grey print too.
_BLUE: Final = "#0072B2"
_ORANGE: Final = "#D55E00"
_GREY: Final = "#595959"

_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
}


def latency_over_time(result: LoadResult) -> str:
    """Every correct answer as a dot, with the median and the worst of each second as lines."""
    samples = result.samples
    good = [(s, ms) for s, ms, e in zip(samples.start_s, samples.latency_ms, samples.error, strict=True) if e is None]
    seconds = [second for second in _seconds(result) if second.p50_ms is not None]

    def draw(axes: Axes) -> None:
        # Dots become one embedded picture: as shapes they would weigh a megabyte for each ten thousand requests.
        axes.plot(*_columns(good), ".", color=_GREY, alpha=0.35, markersize=3, rasterized=True, label="one answer")
        middles = [second.start_s + 0.5 for second in seconds]
        axes.plot(
            middles, [s.worst_ms or 0 for s in seconds], "--^", color=_ORANGE, markersize=4, label="worst of a second"
        )
        axes.plot(
            middles, [s.p50_ms or 0 for s in seconds], "-o", color=_BLUE, markersize=4, label="median of a second"
        )
        axes.set(xlabel="seconds since the start", ylabel="latency, ms", ylim=(0, None), xlim=(0, None))
        axes.legend(frameon=False, fontsize=8)

    return _svg("latency", draw)


def percentiles(result: LoadResult) -> str:
    """Latency by percentile on the scale HDR histograms use: each step to the right is ten times rarer."""
    good = sorted(ms for ms, e in zip(result.samples.latency_ms, result.samples.error, strict=True) if e is None)
    count = len(good)

    def draw(axes: Axes) -> None:
        # Rank r of n stands for the share (r - 1/2)/n, so the largest value stays on the axis (Hazen's positions).
        rarity = [count / (count - rank + 0.5) for rank in range(1, count + 1)]
        axes.plot(rarity, good, "-", color=_BLUE, drawstyle="steps-post")
        axes.set_xscale("log")
        ticks = [2.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0]
        shown = [tick for tick in ticks if tick <= max(10.0, count * 2)]
        axes.set_xticks(shown, [f"p{100 * (1 - 1 / tick):.6g}" for tick in shown])
        axes.minorticks_off()
        axes.set(xlabel="percentile of correct answers", ylabel="latency, ms", ylim=(0, None))

    return _svg("percentiles", draw)


def throughput(result: LoadResult) -> str:
    """Correct answers and errors a second."""
    seconds = _seconds(result)

    def draw(axes: Axes) -> None:
        starts = [second.start_s for second in seconds]
        errors = [second.errors for second in seconds]
        axes.stairs([second.ok for second in seconds], [*starts, len(seconds)], color=_BLUE, label="correct answers")
        if any(errors):
            axes.bar(
                starts, errors, width=1.0, align="edge", color="white", edgecolor=_ORANGE, hatch="////", label="errors"
            )
        axes.set(xlabel="seconds since the start", ylabel="answers a second", ylim=(0, None), xlim=(0, None))
        axes.legend(frameon=False, fontsize=8)

    return _svg("throughput", draw)


def errors_by_kind(result: LoadResult) -> str:
    """How often each kind of error came."""
    kinds = list(result.errors_by_kind.items())[::-1]

    def draw(axes: Axes) -> None:
        bars = axes.barh(
            [kind for kind, _ in kinds], [n for _, n in kinds], color="white", edgecolor=_ORANGE, hatch="////"
        )
        axes.bar_label(bars, padding=3)
        axes.set(xlabel="requests", xlim=(0, max(n for _, n in kinds) * 1.15))

    return _svg("errors", draw, height=0.9 + 0.35 * len(kinds))


def _seconds(result: LoadResult) -> list[Second]:
    samples = result.samples
    return by_second(samples.start_s, samples.latency_ms, samples.error, math.ceil(result.duration_s))


def _columns(pairs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [first for first, _ in pairs], [second for _, second in pairs]


def _svg(name: str, draw: Callable[[Axes], None], height: float = 2.9) -> str:
    with rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(7.4, height), layout="constrained", dpi=150)
        draw(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _inline(name, buffer.getvalue())


def _inline(name: str, svg: str) -> str:
    """The bare element, without prolog and metadata (both name other sites), its ids unique among several plots."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\b(id=")', rf"\1{name}-", svg)
    return re.sub(r'((?:url\(|href=")#)', rf"\1{name}-", svg)
