"""The capacity report: one page, what follows first; the curve never goes where the fit does not answer."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import f as f_distribution  # type: ignore[import-untyped]  # scipy ships no types

from loadtest.capacity import usl as law
from loadtest.capacity.record import Point, UslFit
from loadtest.capacity.usl import Parameters
from loadtest.report import usl
from loadtest.report.capacity import render, write_capacity_report
from tests.unit.loadtest.capacity import build
from tests.unit.loadtest.report.page import Page, assert_self_contained

NS = (1, 2, 3, 4, 6, 8)


def _fitted(truth: Parameters) -> tuple[list[Point], UslFit]:
    """Points that scatter by 5 % around a law, and their fit."""
    random = np.random.default_rng(1)
    exact = build.sweep("replicas", truth, NS).points
    points = [
        point.model_copy(update={"throughput_per_s": point.throughput_per_s * float(random.lognormal(0, 0.05))})
        for point in exact
    ]
    return points, law.fit([point.n for point in points], [point.throughput_per_s for point in points])


def test_the_page_is_whole_and_fetches_nothing() -> None:
    page = assert_self_contained(render(build.record()), set())
    assert page.figures == 3


def test_what_follows_comes_before_what_was_measured() -> None:
    words = Page(render(build.record())).words
    assert words.index("One pod holds 70.0 requests/s") < words.index("What follows") < words.index("What was measured")
    for text in ("lookout load capacity", "gamma: throughput", "p99<=100ms", "in flight by Little's law"):
        assert text in words


def test_says_what_could_not_be_sized_and_what_was_left_out() -> None:
    record = build.record()
    odd = record.concurrency.points[0].model_copy(update={"unsound": "Little's law: <odd>"})
    sweep = record.concurrency.model_copy(update={"points": (odd, *record.concurrency.points[1:])})
    rate = record.slo_rate.model_copy(update={"rate_per_s": None})
    changes = {"concurrency": sweep, "slo_rate": rate, "sizing": None, "not_sized": "no rate held", "interrupted": True}
    html = render(record.model_copy(update=changes))
    words = Page(html).words
    assert "No rate met the SLO" in words
    assert "no rate held" in words
    assert "interrupted" in words
    assert "left out: Little's law: <odd>" in words
    assert ">left out of the fit<" in html


def test_a_sweep_without_a_fit_still_shows_its_points() -> None:
    record = build.record()
    sweep = record.concurrency.model_copy(update={"fit": None, "no_fit": "too few N"})
    html = render(record.model_copy(update={"concurrency": sweep, "replicas": None}))
    assert "No fit: too few N" in html
    assert Page(html).figures == 2
    assert ">extrapolated<" not in html


def test_the_edge_of_the_band_is_where_the_data_begin_to_rule_a_curve_out() -> None:
    truth = Parameters(60, 0.2, 0.01)
    points, fit = _fitted(truth)
    n = np.asarray([point.n for point in points], dtype=float)
    x = np.asarray([point.throughput_per_s for point in points])

    def least_squares(at: float, through: float) -> float:
        """Of all curves through (at, through), by brute force."""
        alpha, beta = (axis.ravel() for axis in np.meshgrid(np.linspace(0, 0.6, 600), np.linspace(0, 0.05, 600)))
        slowed = np.log1p(np.outer(alpha, n - 1) + np.outer(beta, n * (n - 1)))
        log_gamma = np.log(through / at) + np.log1p(alpha * (at - 1) + beta * at * (at - 1))
        return float(((np.log(x / n) + slowed - log_gamma[:, None]) ** 2).sum(axis=1).min())

    freedom = n.size - 3
    threshold = fit.noise**2 * (freedom + float(f_distribution.ppf(fit.confidence, 1, freedom)))
    for at in (1.0, 5.0, 16.0):
        for edge in usl.band(points, fit, np.asarray([at])):
            assert least_squares(at, float(edge[0])) == pytest.approx(threshold, rel=0.03)


def test_the_curve_lies_within_its_band_and_the_band_widens_beyond_the_data() -> None:
    points, fit = _fitted(Parameters(60, 0.2, 0.01))
    at = np.linspace(1, 16, 16)
    low, high = usl.band(points, fit, at)
    middle = np.asarray(law.throughput(law.parameters(fit), at))
    assert np.all(low <= middle)
    assert np.all(middle <= high)
    width = (high - low) / middle
    assert width[-1] > 1.5 * width[4]


def test_the_same_record_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_capacity_report(build.record(), tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
