"""The Universal Scalability Law, fitted to measured throughput. Pure: numbers in, a fit with intervals out.

X(N) = gamma N / (1 + alpha (N - 1) + beta N (N - 1)), after N. J. Gunther, Guerrilla Capacity Planning, 2007.

Throughput scatters by a share of itself, so residuals are taken of its logarithm, which is least squares weighted by
1 / X². Intervals are profile likelihoods with an F threshold and not a bootstrap: three repeats of a point have only
ten different resamples, which makes bootstrap intervals too short, and a profile follows the bounds alpha, beta >= 0.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, least_squares, minimize_scalar  # type: ignore[import-untyped]  # ships no types
from scipy.stats import f as f_distribution  # type: ignore[import-untyped]  # as above

from loadtest.capacity.record import Interval, UslFit
from lookout.errors import LookoutError

MIN_DISTINCT: Final = 6
"""Distinct N below which three parameters and their scatter cannot be told apart."""
EXTRAPOLATION: Final = 2
"""How many times the largest N measured is still answered for."""
CONFIDENCE: Final = 0.95
_METHOD: Final = "least squares of log throughput (weights 1/X²), profile likelihood with F threshold"
_MAX_BETA: Final = 1.0
_MAX_Q: Final = 1.0
"""beta / (1 - alpha) = 1 / peak²: a peak below N = 1 is no peak of anything."""

Array = NDArray[np.float64]


class Parameters(NamedTuple):
    """gamma in requests a second, alpha and beta without unit."""

    gamma: float
    alpha: float
    beta: float


def throughput(parameters: Parameters, n: float | Array) -> float | Array:
    """X(N) in requests a second."""
    return parameters.gamma * n / (1 + parameters.alpha * (n - 1) + parameters.beta * n * (n - 1))


def fit(n: Sequence[float], throughput_per_s: Sequence[float], confidence: float = CONFIDENCE) -> UslFit:
    """Fit all points, repeats of the same N included.

    LookoutError for fewer than MIN_DISTINCT different N, for N below 1 and for throughput that is not positive.
    """
    distinct = len(set(n))
    if distinct < MIN_DISTINCT:
        raise LookoutError(
            f"{distinct} different N are too few for a fit of three parameters",
            f"measure at least {MIN_DISTINCT}",
        )
    if min(n) < 1 or min(throughput_per_s) <= 0 or len(n) != len(throughput_per_s):
        raise LookoutError("a fit takes N from 1 on, each with a throughput above zero", "leave such points out")
    law = _Law(np.asarray(n, float), np.asarray(throughput_per_s, float))
    best = law.best()
    squares = law.squares(best.alpha, best.beta)
    freedom = len(n) - 3
    threshold = squares * (1 + float(f_distribution.ppf(confidence, 1, freedom)) / freedom)
    # A fit without any scatter has a threshold of zero, which rounding alone would cross.
    threshold = max(threshold, squares + 1e-12)
    q = best.beta / (1 - best.alpha) if best.alpha < 1 else 0.0
    q_low, q_high = _ends(law.profile_q, q, 0.0, _MAX_Q, threshold)
    alpha_ends = _ends(law.profile_alpha, best.alpha, 0.0, 1.0, threshold)
    beta_ends = _ends(law.profile_beta, best.beta, 0.0, _MAX_BETA, threshold)
    log_gamma = math.log(best.gamma)
    gamma_ends = _ends(law.profile_log_gamma, log_gamma, log_gamma - 3, log_gamma + 3, threshold)
    return UslFit(
        gamma=Interval(best=best.gamma, low=math.exp(gamma_ends[0]), high=math.exp(gamma_ends[1])),
        alpha=Interval(best=best.alpha, low=alpha_ends[0], high=alpha_ends[1]),
        beta=Interval(best=best.beta, low=beta_ends[0], high=beta_ends[1]),
        peak=Interval(best=_peak(q), low=_peak(q_high), high=_peak(q_low)),
        noise=math.sqrt(squares / freedom),
        smallest=int(min(n)),
        largest=int(max(n)),
        confidence=confidence,
        method=_METHOD,
    )


def predict(fitted: UslFit, n: float) -> float:
    """Throughput a second at N by the best estimate. LookoutError past twice the largest N measured."""
    if n > EXTRAPOLATION * fitted.largest:
        raise LookoutError(
            f"N = {n:g} lies past {EXTRAPOLATION} times the largest N measured ({fitted.largest})",
            f"measure up to N = {math.ceil(n / EXTRAPOLATION)} at least",
        )
    return float(throughput(parameters(fitted), n))


def parameters(fitted: UslFit) -> Parameters:
    """The best estimates."""
    return Parameters(_known(fitted.gamma), _known(fitted.alpha), _known(fitted.beta))


class _Law:
    """Sums of squares of the logarithmic residuals; gamma is always at its best value, which has a closed form."""

    def __init__(self, n: Array, x: Array) -> None:
        self._log_per_n = np.log(x / n)
        self._u = n - 1
        self._v = n * (n - 1)

    def residuals(self, alpha: float, beta: float) -> Array:
        """What log gamma would have to be for each point."""
        return np.asarray(self._log_per_n + np.log1p(alpha * self._u + beta * self._v))

    def squares(self, alpha: float, beta: float) -> float:
        residuals = self.residuals(alpha, beta)
        return float(np.sum((residuals - residuals.mean()) ** 2))

    def best(self) -> Parameters:
        def centred(at: Array) -> Array:
            residuals = self.residuals(at[0], at[1])
            return np.asarray(residuals - residuals.mean())

        found = least_squares(
            centred, (0.05, 0.001), bounds=((0, 0), (1, _MAX_BETA)), x_scale=(0.1, 0.01), xtol=1e-12, ftol=1e-12
        )
        alpha, beta = (float(value) for value in found.x)
        # The solver stays inside the bounds by a hair; on a bound the law is simpler.
        alpha, beta = (0.0 if value < 1e-9 else value for value in (alpha, beta))
        return Parameters(math.exp(float(self.residuals(alpha, beta).mean())), alpha, beta)

    def profile_alpha(self, alpha: float) -> float:
        return _lowest(lambda beta: self.squares(alpha, beta), _MAX_BETA)

    def profile_beta(self, beta: float) -> float:
        return _lowest(lambda alpha: self.squares(alpha, beta), 1.0)

    def profile_q(self, q: float) -> float:
        return _lowest(lambda alpha: self.squares(alpha, (1 - alpha) * q), 1.0)

    def profile_log_gamma(self, log_gamma: float) -> float:
        found = least_squares(
            lambda at: self.residuals(at[0], at[1]) - log_gamma,
            (0.05, 0.001),
            bounds=((0, 0), (1, _MAX_BETA)),
            x_scale=(0.1, 0.01),
        )
        return float(2 * found.cost)


def _lowest(squares: Callable[[float], float], most: float) -> float:
    """The smallest sum of squares over one parameter between 0 and `most`, found on its square root: it may be tiny."""
    found = minimize_scalar(
        lambda root: squares(root * root), bounds=(0, math.sqrt(most)), method="bounded", options={"xatol": 1e-6}
    )
    return min(float(found.fun), squares(0.0))


def _ends(
    profile: Callable[[float], float], best: float, least: float, most: float, threshold: float
) -> tuple[float, float]:
    """Where the profile crosses the threshold on either side of the best value, or the bound it never reaches."""

    def excess(value: float) -> float:
        return profile(value) - threshold

    def end(bound: float) -> float:
        if excess(bound) <= 0:
            return bound
        # Without scatter the inner search alone may miss the threshold by rounding.
        return best if excess(best) >= 0 else float(brentq(excess, best, bound, xtol=1e-7, rtol=1e-4))

    return (best if best <= least else end(least)), end(most)


def _peak(q: float) -> float | None:
    return 1 / math.sqrt(q) if q > 0 else None


def _known(interval: Interval) -> float:
    assert interval.best is not None  # noqa: S101  # a fit always has gamma, alpha and beta
    return interval.best
