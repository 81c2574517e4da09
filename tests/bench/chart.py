"""A record as a chart: a bar for each contestant's median, a dot for every round. Read without colour, too."""

import statistics
from typing import Final

from matplotlib.axes import Axes

from loadtest.report.figure import BLUE, INK, SKY, draw_bars
from tests.bench.record import BenchRecord, Name, PhotoSize

_ROW_IN: Final = 0.32
_HEAD_IN: Final = 0.9


def chart(record: BenchRecord, photo: PhotoSize) -> str:
    """An SVG of answers a second with `photo`, all rounds of all numbers of connections together."""
    speeds: dict[Name, list[float]] = {}
    for one in record.rounds:
        if one.photo == photo:
            speeds.setdefault(one.contestant, []).append(one.per_s)
    ordered = sorted(speeds, key=lambda name: statistics.median(speeds[name]))
    titles = {one.name: one.title for one in record.contestants}
    medians = {name: statistics.median(speeds[name]) for name in ordered}
    alt = f"Answers a second with {photo} JPEGs: " + ", ".join(f"{name} {medians[name]:.1f}" for name in ordered)

    def draw(axes: Axes) -> None:
        for place, name in enumerate(ordered):
            own = name == "ours"
            axes.barh(
                place, medians[name], height=0.62, color=BLUE if own else SKY, edgecolor=INK, linewidth=0.7,
                hatch="//" if own else "",
            )  # fmt: skip
            axes.plot(
                speeds[name], [place] * len(speeds[name]), "o", color="white", markeredgecolor=INK, markersize=3.4,
                markeredgewidth=0.8,
            )  # fmt: skip
        axes.set_yticks(range(len(ordered)), [f"{name}: {titles.get(name, '')}"[:60] for name in ordered])
        axes.grid(visible=False, axis="y")
        axes.set_xlim(left=0)
        axes.set_xlabel(f"answers a second, {photo} JPEG; bar: median, dots: every round")

    return draw_bars(f"bench-{photo}", alt, draw, _HEAD_IN + _ROW_IN * len(ordered))
