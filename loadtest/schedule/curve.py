"""A rate that changes over time, and the schedule it makes: pure and seeded, in seconds since the start of a run.

`even` puts start k where the integral of the curve reaches k; `poisson` where it reaches the k-th arrival of a Poisson
process of rate one, which is exact inversion (Çinlar, "Introduction to Stochastic Processes", 1975, chapter 4): gaps
are those of independent clients. The same seed gives the same schedule.
"""

from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Seconds = NDArray[np.float64]
Rate = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
"""Starts a second."""
PositiveRate = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Length = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Spacing = Literal["poisson", "even"]

_PARTS: Final = 100_000
_HALVINGS: Final = 30
"""Of the part of a run that holds a start: leaves a nanosecond of a day."""


class Curve(BaseModel):
    """A rate that may change; subclasses say what it is and what it adds up to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def rate_at(self, t: float) -> float:
        """Intended starts a second at `t` seconds."""
        raise NotImplementedError

    def expected(self, t: Seconds) -> Seconds:
        """Intended starts from 0 to each `t`: the integral of the rate."""
        raise NotImplementedError

    def times(self, duration_s: float, seed: int) -> Seconds:
        """Intended starts in ascending order, all in [0, duration_s)."""
        total = float(self.expected(np.array([duration_s]))[0])
        return self._when(self._counts(total, seed), duration_s)

    def _counts(self, total: float, seed: int) -> Seconds:
        if getattr(self, "spacing", "poisson") == "even":
            return np.arange(np.ceil(round(total, 9)), dtype=np.float64)
        random = np.random.default_rng(seed)
        chunk = int(total + 6 * np.sqrt(total) + 16)
        counts = np.cumsum(random.exponential(size=chunk))
        while counts[-1] < total:
            counts = np.concatenate([counts, counts[-1] + np.cumsum(random.exponential(size=chunk))])
        return counts[counts < total]

    def _when(self, counts: Seconds, duration_s: float) -> Seconds:
        """Where `expected` reaches each count, by halving the part of the run that it lies in."""
        ends = np.linspace(0, duration_s, _PARTS + 1)
        part = np.clip(np.searchsorted(self.expected(ends), counts), 1, _PARTS)
        low, high = ends[part - 1], ends[part]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            before = self.expected(middle) < counts
            low, high = np.where(before, middle, low), np.where(before, high, middle)
        return np.minimum(high, np.nextafter(duration_s, 0))
