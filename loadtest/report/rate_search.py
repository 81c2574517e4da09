"""The search for the highest rate that one pod holds: every run, drawn in the order they were made."""

import numpy as np
from matplotlib.axes import Axes

from loadtest.capacity.record import SloRate
from loadtest.report.figure import BLUE, INK, ORANGE, SOFT, draw_svg, legend_above
from loadtest.report.page import Plot, Table
from loadtest.report.run import Section
from loadtest.report.words import UNKNOWN, milliseconds


def search_section(found: SloRate) -> Section | None:
    """Every run of the search, None where there was none."""
    if not found.attempts:
        return None
    caption = "Poisson runs at rising and falling rates; a filled dot was judged to hold the SLO, a cross was not."
    heads = ("rate", "purpose", "requests", "errors", "mean", "p99", "in flight", "outcome", "held")
    lines = tuple(
        (
            f"{attempt.rate_per_s:.1f}/s",
            attempt.purpose,
            f"{attempt.requests:,}",
            str(attempt.errors),
            milliseconds(attempt.mean_ms),
            milliseconds(attempt.p99_ms),
            UNKNOWN if attempt.in_flight is None else f"{attempt.in_flight:.2f}",
            attempt.outcome,
            "yes" if attempt.sustained else "no",
        )
        for attempt in found.attempts
    )
    plots = (Plot("Search for the highest rate", caption, _attempts(found)),)
    return Section("One pod: the highest rate within the SLO", plots, (Table(heads, lines),))


def _attempts(found: SloRate) -> str:
    alt = (
        f"{len(found.attempts)} runs in the order they were made; the highest rate held is {found.rate_per_s} a second."
    )

    def draw(axes: Axes) -> None:
        order = np.arange(1, len(found.attempts) + 1)
        rates = np.asarray([attempt.rate_per_s for attempt in found.attempts])
        held = np.asarray([attempt.sustained for attempt in found.attempts])
        axes.plot(order, rates, "-", color=SOFT, lw=0.8)
        axes.plot(order[held], rates[held], "o", color=BLUE, markeredgecolor=INK, markersize=7, label="held")
        axes.plot(order[~held], rates[~held], "X", color=ORANGE, markeredgecolor=INK, markersize=8, label="not held")
        if found.rate_per_s is not None:
            axes.axhline(found.rate_per_s, color=INK, lw=1.1, ls=(0, (7, 2, 1, 2)), label="highest rate held")
        axes.set_ylim(0, float(rates.max()) * 1.15)
        axes.set_xticks(order)
        axes.set(xlabel="run", ylabel="rate, a second")
        legend_above(axes)

    return draw_svg("search", alt, draw, height_in=2.4)
