"""The fit finds what made the data, says how sure it is, and stays within what was measured."""

import numpy as np
import pytest

from loadtest.capacity import usl
from loadtest.capacity.usl import Parameters
from lookout.errors import LookoutError

N = (1, 2, 4, 8, 16, 32)
TRUE = Parameters(gamma=50.0, alpha=0.05, beta=0.001)


def measured(
    parameters: Parameters, noise: float, seed: int, n: tuple[int, ...] = N, repeats: int = 3
) -> tuple[list[float], list[float]]:
    """Throughput with relative scatter, `repeats` of each N."""
    draw = np.random.default_rng(seed)
    scale = [float(value) for value in n for _ in range(repeats)]
    exact = [float(usl.throughput(parameters, value)) for value in scale]
    return scale, [x * float(np.exp(draw.normal(0, noise))) for x in exact]


def test_data_without_scatter_give_back_what_made_them() -> None:
    fitted = usl.fit(*measured(TRUE, 0.0, 1))
    assert usl.parameters(fitted) == pytest.approx(TRUE, rel=1e-4)
    assert fitted.peak.best == pytest.approx(((1 - TRUE.alpha) / TRUE.beta) ** 0.5, rel=1e-3)
    assert (fitted.smallest, fitted.largest) == (1, 32)
    assert fitted.noise < 1e-5


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    runs = 60
    held = dict.fromkeys(("gamma", "alpha", "beta", "peak"), 0)
    truth = {**TRUE._asdict(), "peak": ((1 - TRUE.alpha) / TRUE.beta) ** 0.5}
    for seed in range(runs):
        fitted = usl.fit(*measured(TRUE, 0.03, seed), confidence=0.9)
        for name in held:
            interval = getattr(fitted, name)
            held[name] += interval.low <= truth[name] <= (interval.high or np.inf)
    # 54 of 60 expected; a binomial with that mean stays within 47 and 59 in 99 % of all cases.
    assert all(47 <= count <= 59 for count in held.values()), held


def test_linear_growth_has_no_peak_and_intervals_that_begin_at_zero() -> None:
    fitted = usl.fit(*measured(Parameters(20.0, 0.0, 0.0), 0.02, 3))
    assert fitted.alpha.low == 0
    assert fitted.beta.low == 0
    assert fitted.peak.high is None
    assert fitted.alpha.high is not None
    assert fitted.alpha.high < 0.05


def test_throughput_that_falls_is_seen_as_coherence() -> None:
    fitted = usl.fit(*measured(Parameters(100.0, 0.2, 0.02), 0.02, 4))
    assert fitted.beta.low is not None
    assert fitted.beta.low > 0
    assert fitted.peak.best == pytest.approx(6.3, rel=0.15)
    assert fitted.peak.high is not None


def test_a_noisier_measurement_has_wider_intervals() -> None:
    quiet, noisy = (usl.fit(*measured(TRUE, noise, 5)).alpha for noise in (0.01, 0.08))
    assert (noisy.high or 0) - (noisy.low or 0) > 3 * ((quiet.high or 0) - (quiet.low or 0))


@pytest.mark.parametrize("n", [(1, 2, 4, 8, 16), (1, 1, 1, 2, 2, 2)])
def test_fewer_than_six_different_n_are_refused(n: tuple[int, ...]) -> None:
    with pytest.raises(LookoutError, match="too few") as refused:
        usl.fit(*measured(TRUE, 0.01, 6, n))
    assert refused.value.remedy == "measure at least 6"


def test_a_point_without_throughput_is_refused() -> None:
    n, x = measured(TRUE, 0.01, 7)
    x[4] = 0.0
    with pytest.raises(LookoutError, match="above zero"):
        usl.fit(n, x)


def test_twice_the_measured_range_is_answered_and_not_more() -> None:
    fitted = usl.fit(*measured(TRUE, 0.01, 8))
    assert usl.predict(fitted, 64) > 0
    with pytest.raises(LookoutError, match="past 2 times the largest N measured \\(32\\)") as refused:
        usl.predict(fitted, 65)
    assert refused.value.remedy == "measure up to N = 33 at least"
