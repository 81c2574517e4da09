"""The Universal Scalability Law over measured throughput: points, the fitted curve, and the band it may lie in."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import f as f_distribution  # type: ignore[import-untyped]  # scipy ships no types

from loadtest.capacity.record import Point, UslFit
from loadtest.capacity.usl import EXTRAPOLATION, parameters, throughput
from loadtest.report.figure import BLUE, INK, ORANGE, SOFT, draw_svg, legend_above
from loadtest.report.series import Floats

_GRID: Final = 120
_CURVE_POINTS: Final = 80


def plot(points: Sequence[Point], fit: UslFit | None, name: str = "usl", unit: str = "requests in flight") -> str:
    """Throughput against N with its fit, drawn no further than the fit is allowed to answer for."""
    sound = [point for point in points if point.unsound is None]
    left_out = [point for point in points if point.unsound is not None]
    largest = max((point.n for point in points), default=1)
    alt = (
        f"Throughput against {unit}: {len(points)} runs from N = {min((p.n for p in points), default=1)} to {largest}."
    )

    def draw(axes: Axes) -> None:
        end = EXTRAPOLATION * fit.largest if fit else largest
        if fit is not None:
            _curve(axes, sound, fit, float(end))
        axes.plot(
            [point.n for point in sound], [point.throughput_per_s for point in sound], "o", color=ORANGE,
            markeredgecolor=INK, markersize=5, label="measured",
        )  # fmt: skip
        if left_out:
            axes.plot(
                [point.n for point in left_out], [point.throughput_per_s for point in left_out], "x", color=INK,
                markersize=6, label="left out of the fit",
            )  # fmt: skip
        top = max((point.throughput_per_s for point in points), default=1.0)
        if fit is not None:
            top = max(top, float(throughput(parameters(fit), float(end))))
        axes.set_ylim(0, 1.15 * top)
        axes.set_xlim(0, end * 1.02)
        axes.set(xlabel=unit, ylabel="correct answers a second")
        legend_above(axes, columns=6)

    return draw_svg(name, alt, draw, height_in=3.2)


def band(points: Sequence[Point], fit: UslFit, at: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest throughput at each N that the data do not rule out: the profile likelihood of the fit.

    All (alpha, beta) within their intervals are tried; around the best gamma for each, log throughput may move by as
    much as the squared residuals stay under the threshold of `loadtest.capacity.usl.fit`.
    """
    n = np.asarray([point.n for point in points], dtype=np.float64)
    x = np.asarray([point.throughput_per_s for point in points], dtype=np.float64)
    freedom = n.size - 3
    least = fit.noise**2 * freedom
    threshold = least + fit.noise**2 * float(f_distribution.ppf(fit.confidence, 1, freedom)) + 1e-12
    best = parameters(fit)
    alphas = _range(fit.alpha.low, best.alpha, fit.alpha.high)
    betas = _range(fit.beta.low, best.beta, fit.beta.high)
    alpha, beta = (grid.ravel() for grid in np.meshgrid(alphas, betas))
    slowed = np.log1p(np.outer(alpha, n - 1) + np.outer(beta, n * (n - 1)))
    residuals = np.log(x / n) + slowed
    log_gamma = residuals.mean(axis=1)
    room = threshold - ((residuals - log_gamma[:, None]) ** 2).sum(axis=1)
    inside = room >= 0
    reach = np.sqrt(room[inside] / n.size)
    low, high = np.empty(at.size), np.empty(at.size)
    for index, value in enumerate(at):
        slow = np.log1p(alpha[inside] * (value - 1) + beta[inside] * value * (value - 1))
        middle = log_gamma[inside] + math.log(value) - slow
        low[index], high[index] = math.exp((middle - reach).min()), math.exp((middle + reach).max())
    return low, high


def _curve(axes: Axes, sound: Sequence[Point], fit: UslFit, end: float) -> None:
    law = parameters(fit)
    at = np.linspace(min(1.0, end), end, _CURVE_POINTS)
    low, high = band(sound, fit, at)
    axes.fill_between(at, low, high, color=BLUE, alpha=0.18, lw=0, label=f"{100 * fit.confidence:.0f} % band")
    measured, beyond = at[at <= fit.largest], at[at >= _measured_end(at, fit.largest)]
    axes.plot(measured, throughput(law, measured), "-", color=BLUE, label="fit")
    axes.plot(beyond, throughput(law, beyond), "--", color=BLUE, lw=1.2, label="extrapolated")
    axes.plot(at, law.gamma * at, ":", color=SOFT, lw=1.2, label="linear")
    if fit.peak.best is not None and fit.peak.best <= end:
        highest = float(throughput(law, fit.peak.best))
        axes.plot(
            [fit.peak.best], [highest], "D", color=BLUE, markeredgecolor=INK, markersize=7,
            label=f"peak {fit.peak.best:.1f}",
        )  # fmt: skip


def _measured_end(at: Floats, largest: int) -> float:
    """The last drawn N that was still measured, so that both halves of the curve meet."""
    return float(at[at <= largest].max(initial=at[0]))


def _range(low: float | None, best: float, high: float | None) -> Floats:
    ends = np.linspace(low or 0.0, best if high is None else high, _GRID)
    return np.unique(np.append(ends, best))
