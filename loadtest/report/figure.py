"""How every plot is drawn: inline SVG whose text stays text, told apart by the colour-blind and in grey print too.

Colours come out as CSS variables with the printed colour as their fallback, so that a page may have a dark side and an
SVG taken out of it still has its colours.
"""

import io
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Masataka Okabe and Kei Ito, "Color Universal Design" (2008). No line is told from another by its colour alone: each
# has a style or a marker of its own, each area a hatch.
BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
GREEN: Final = "#009e73"
SKY: Final = "#56b4e9"
AMBER: Final = "#e69f00"
PURPLE: Final = "#cc79a7"
INK: Final = "#1b1b1f"
SOFT: Final = "#5b5b66"
PAPER: Final = "#fffffe"

_FAINT: Final = "#dcdce3"
_VARIABLES: Final = {
    BLUE: "blue",
    ORANGE: "orange",
    GREEN: "green",
    SKY: "sky",
    AMBER: "amber",
    PURPLE: "purple",
    INK: "ink",
    SOFT: "soft",
    _FAINT: "faint",
    PAPER: "paper",
}
_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": _FAINT,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.handlelength": 2.6,
    "legend.borderaxespad": 0.1,
    "lines.linewidth": 1.6,
}
WIDTH_IN: Final = 7.4
_LEFT_IN, _RIGHT_IN, _BOTTOM_IN = 0.62, 0.12, 0.46
_TOP_IN, _LEGEND_LINE_IN = 0.16, 0.19
_DPI: Final = 170
"""Of what is drawn as a picture inside the SVG."""


def draw_svg(name: str, alt: str, draw: Callable[[Axes], None], height_in: float = 2.6, legend_lines: int = 1) -> str:
    """One plot as an SVG element. `name` keeps its ids apart from other plots', `alt` says in words what it shows.

    Every plot has the same margins, so that plots with the same time axis stand exactly above each other.
    """

    def alone(axes: Sequence[Axes]) -> None:
        draw(axes[0])

    return draw_rows(name, alt, alone, [height_in], legend_lines)


def draw_rows(
    name: str,
    alt: str,
    draw: Callable[[Sequence[Axes]], None],
    heights_in: Sequence[float],
    legend_lines: int = 1,
) -> str:
    """Several plots above each other on one horizontal axis, as one SVG element."""
    total = sum(heights_in)
    with rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH_IN, total), dpi=_DPI)
        grid = figure.add_gridspec(
            len(heights_in),
            1,
            height_ratios=heights_in,
            left=_LEFT_IN / WIDTH_IN,
            right=1 - _RIGHT_IN / WIDTH_IN,
            bottom=_BOTTOM_IN / total,
            top=1 - (_TOP_IN + legend_lines * _LEGEND_LINE_IN) / total,
            hspace=0.42,
        )
        axes: list[Axes] = []
        for row in range(len(heights_in)):
            axes.append(figure.add_subplot(grid[row], sharex=axes[0] if axes else None))
        for upper in axes[:-1]:
            upper.tick_params(labelbottom=False)
        draw(axes)
        return _element(figure, name, alt)


def draw_bars(name: str, alt: str, draw: Callable[[Axes], None], height_in: float) -> str:
    """One plot whose left margin is as wide as its labels: for bars with names."""
    with rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH_IN, height_in), dpi=_DPI, layout="constrained")
        draw(figure.add_subplot())
        return _element(figure, name, alt)


def legend_above(axes: Axes, columns: int = 4) -> None:
    """The legend in one line over the plot, where it covers nothing."""
    axes.legend(loc="lower left", bbox_to_anchor=(-0.005, 1.0), ncol=columns, columnspacing=1.4)


def plain(text: str) -> str:
    """Text that matplotlib writes as it is and XML takes: without control characters, of a bounded length."""
    clean = "".join(letter if letter.isprintable() else "�" for letter in text)
    return clean if len(clean) <= 70 else clean[:69] + "…"


def _element(figure: Figure, name: str, alt: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    # The bare element: prolog and metadata both name other sites. Its ids must be unique among several plots.
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'\b(id=")', rf"\1{name}-", svg)
    svg = re.sub(r'((?:url\(|href=")#)', rf"\1{name}-", svg)
    # Coloured grounds of hatches stay as printed, which light lines stand out from; paper is dark on a dark page.
    svg = svg.replace(f'fill="{PAPER}"', f'style="fill: {PAPER}"')
    svg = re.sub(r"\b(fill|stroke): (#[0-9a-f]{6})", _variable, svg)
    head, _, rest = svg.partition(">")
    head = re.sub(r' (?:width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-labelledby="{name}-alt"><title id="{name}-alt">{escape(alt)}</title>{rest}'


def _variable(match: re.Match[str]) -> str:
    kind, colour = match.groups()
    known = _VARIABLES.get(colour)
    return f"{kind}: var(--{known}, {colour})" if known else f"{kind}: {colour}"
