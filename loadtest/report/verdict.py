"""The verdict first: its word, its reasons, and the numbers by which it was reached."""

from typing import Final, NamedTuple

from matplotlib.axes import Axes

from loadtest.gate.verdict import Judgement, TermJudgement
from loadtest.report.figure import BLUE, INK, ORANGE, draw_bars, plain
from loadtest.report.page import Plot, Table
from loadtest.result import LoadResult
from loadtest.wording import CLOSED, outcome

_STYLES: Final = {
    "pass": ("pass", "✓", "Pass"),
    "fail": ("fail", "✗", "Fail"),
    "not enough data": ("unknown", "?", "Not enough data"),
    "generator invalid": ("unknown", "!", "Generator invalid"),
}
_LEAST, _MOST = 0.01, 100.0


class Banner(NamedTuple):
    """The verdict in one look."""

    style: str
    mark: str
    word: str
    reasons: tuple[str, ...]


def banner(result: LoadResult) -> Banner:
    """What the run showed; without an SLO, only whether every answer was correct."""
    if result.verdict is not None:
        partial = ("The run was interrupted: what follows is its part up to there.",) if result.interrupted else ()
        style, mark, word = _STYLES[result.verdict.outcome]
        return Banner(style, mark, word, (*result.verdict.reasons, *partial))
    style, mark = ("pass", "✓") if result.ok else ("fail", "✗") if result.counts.intended else ("unknown", "?")
    why = CLOSED if result.loop == "closed" else "No SLO was given, so nothing is certified. Give one with --slo."
    return Banner(style, mark, outcome(result), (why,))


def rule(verdict: Judgement) -> str:
    """How terms are judged, in plain words."""
    return (
        f"Each term is a bound on the share of requests that break it. It passes only when that share would be so low "
        f"by chance at most {100 * (1 - verdict.confidence):.0f} % of the time if the bound were just missed (MLPerf's "
        f"early-stopping rule), fails when even the lower end of the interval is above the bound, and is undecided "
        f"between. Confidence of every statement: {100 * verdict.confidence:.0f} %, one-sided."
    )


def terms(verdict: Judgement) -> Table:
    """One line a term of the SLO."""
    return Table(
        ("term", "outcome", "observed", "broke it", "of", "share", "allowed", "true share lies in", "trials needed"),
        tuple(
            (
                term.term,
                term.outcome,
                term.observed,
                f"{term.violations:,}",
                f"{term.trials:,}",
                _share(term.violations / term.trials) if term.trials else "n/a",
                _share(term.allowed_ratio),
                f"{_share(term.lower_ratio)} … {_share(term.upper_ratio)}" if term.trials else "n/a",
                f"{term.needed:,}",
            )
            for term in verdict.terms
        ),
    )


def certainty(verdict: Judgement) -> Plot:
    """Where the true share of violations can lie, against what is allowed."""
    height = 0.95 + 0.42 * len(verdict.terms)
    alt = "; ".join(
        f"{plain(term.term)}: between {_share(term.lower_ratio)} and {_share(term.upper_ratio)} break it, "
        f"{_share(term.allowed_ratio)} allowed"
        for term in verdict.terms
    )

    def draw(axes: Axes) -> None:
        for row, term in enumerate(reversed(verdict.terms)):
            _interval(axes, row, term)
        axes.axvline(1.0, color=INK, lw=1.3, ls=(0, (7, 2, 1, 2)))
        axes.set_xscale("log")
        axes.set_xlim(_LEAST, _MOST)
        axes.set_ylim(-0.6, len(verdict.terms) - 0.4)
        axes.set_yticks(range(len(verdict.terms)), [plain(term.term) for term in reversed(verdict.terms)])
        ticks = [0.01, 0.1, 0.5, 1, 2, 10, 100]
        axes.set_xticks(ticks, ["≤1 %", "10 %", "half", "bound", "twice", "10 times", "≥100 times"])
        axes.minorticks_off()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("share of requests that break the term, relative to what it allows")

    return Plot(
        "How sure that is",
        f"Dot: share observed. Bar: where the true share lies, {100 * verdict.confidence:.0f} % sure of either end. A "
        "bar wholly left of the bound passes, wholly right of it fails; one across it needs more requests.",
        draw_bars("certainty", alt, draw, height),
    )


def _interval(axes: Axes, row: int, term: TermJudgement) -> None:
    low, high = (_place(ratio, term) for ratio in (term.lower_ratio, term.upper_ratio))
    colour = ORANGE if term.outcome == "fail" else BLUE
    axes.plot([low, high], [row, row], color=colour, lw=5, alpha=0.45, solid_capstyle="butt")
    for end, mark in ((low, "<" if low <= _LEAST else "|"), (high, ">" if high >= _MOST else "|")):
        axes.plot([end], [row], marker=mark, color=INK, markersize=9 if mark == "|" else 6, clip_on=False)
    if term.trials:
        shown = _place(term.violations / term.trials, term)
        axes.plot([shown], [row], "o", color=colour, markeredgecolor=INK, markersize=7, clip_on=False)


def _place(ratio: float, term: TermJudgement) -> float:
    return min(max(ratio / term.allowed_ratio if term.allowed_ratio else _MOST, _LEAST), _MOST)


def _share(ratio: float) -> str:
    percent = 100 * ratio
    return f"{percent:.3g} %" if percent < 1 else f"{percent:.2f} %"
