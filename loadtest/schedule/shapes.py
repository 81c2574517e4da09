"""The kinds of arrivals: each a rate curve with its own few numbers."""

from bisect import bisect_left
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from loadtest.schedule.curve import Curve, Length, PositiveRate, Rate, Seconds, Spacing


class _Level(Curve):
    """One rate all the time."""

    rate: PositiveRate

    def rate_at(self, t: float) -> float:  # noqa: ARG002  # every curve is asked the same way
        """The same at every time."""
        return self.rate

    def expected(self, t: Seconds) -> Seconds:
        """Rate times time."""
        return self.rate * t


class Constant(_Level):
    """One start every 1/rate seconds."""

    kind: Literal["constant"] = "constant"

    def times(self, duration_s: float, seed: int) -> Seconds:  # noqa: ARG002  # as above
        """Exactly k / rate; the seed changes nothing."""
        return np.arange(np.ceil(round(duration_s * self.rate, 9)), dtype=np.float64) / self.rate


class Poisson(_Level):
    """Independent clients: exponential gaps of mean 1/rate."""

    kind: Literal["poisson"] = "poisson"

    def times(self, duration_s: float, seed: int) -> Seconds:
        """The arrivals of a Poisson process."""
        return self._counts(duration_s * self.rate, seed) / self.rate


class Ramp(Curve):
    """From one rate to another in a straight line over `over_s`, then on at the second."""

    kind: Literal["ramp"] = "ramp"
    rate: Rate
    to_rate: Rate
    over_s: Length
    spacing: Spacing = "poisson"

    def rate_at(self, t: float) -> float:
        """On the line, or past its end."""
        return self.rate + (self.to_rate - self.rate) * min(t / self.over_s, 1.0)

    def expected(self, t: Seconds) -> Seconds:
        """A parabola, then a line."""
        on_line = np.minimum(t, self.over_s)
        slope = (self.to_rate - self.rate) / self.over_s
        return self.rate * on_line + slope * on_line**2 / 2 + self.to_rate * (t - on_line)


class _Pieces(Curve):
    """Constant between changes."""

    spacing: Spacing = "poisson"

    def pieces(self) -> tuple[tuple[float, float], ...]:
        """Start of each piece in seconds, the first 0, and its rate."""
        raise NotImplementedError

    def rate_at(self, t: float) -> float:
        """Of the piece that `t` is in."""
        return next(rate for start, rate in reversed(self.pieces()) if t >= start or start == 0)

    def expected(self, t: Seconds) -> Seconds:
        """On straight lines between the changes, and on along the last."""
        starts, rates = (np.array(column) for column in zip(*self.pieces(), strict=True))
        totals = np.concatenate([[0.0], np.cumsum(np.diff(starts) * rates[:-1])])
        total: Seconds = np.interp(t, starts, totals) + rates[-1] * np.maximum(t - starts[-1], 0.0)
        return total


class Hold(BaseModel):
    """One step: a rate and how long it lasts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: Rate
    for_s: Length


class Steps(_Pieces):
    """One rate after another; the last one holds to the end."""

    kind: Literal["step"] = "step"
    steps: Annotated[tuple[Hold, ...], Field(min_length=1, max_length=1000)]

    def pieces(self) -> tuple[tuple[float, float], ...]:
        """Each step from the end of the one before."""
        starts = np.cumsum([0.0, *(step.for_s for step in self.steps[:-1])])
        return tuple((float(start), step.rate) for start, step in zip(starts, self.steps, strict=True))


class Spike(_Pieces):
    """A base rate, and a peak from `at_s` on for `for_s`."""

    kind: Literal["spike"] = "spike"
    rate: Rate
    peak: PositiveRate
    at_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
    for_s: Length

    def pieces(self) -> tuple[tuple[float, float], ...]:
        """Before, at and after the peak."""
        return ((0.0, self.rate), (self.at_s, self.peak), (self.at_s + self.for_s, self.rate))


class Diurnal(Curve):
    """A day in `period_s`: a sine that starts at night, at its base, and peaks at noon."""

    kind: Literal["diurnal"] = "diurnal"
    rate: Rate
    peak: PositiveRate
    period_s: Length
    spacing: Spacing = "poisson"

    @model_validator(mode="after")
    def _highest_at_noon(self) -> "Diurnal":
        if self.peak < self.rate:
            raise ValueError(f"the peak ({self.peak:g}/s) is below the base rate ({self.rate:g}/s)")
        return self

    def rate_at(self, t: float) -> float:
        """On the sine."""
        return self.rate + (self.peak - self.rate) * (1 - float(np.cos(2 * np.pi * t / self.period_s))) / 2

    def expected(self, t: Seconds) -> Seconds:
        """The sine's integral."""
        turn = 2 * np.pi / self.period_s
        return self.rate * t + (self.peak - self.rate) * (t - np.sin(turn * t) / turn) / 2


class Replay(Curve):
    """The starts of a trace, to the letter; loadtest/schedule/trace.py reads the file."""

    kind: Literal["replay"] = "replay"
    trace: str
    """Name of the file it came from."""
    times_s: Annotated[tuple[float, ...], Field(min_length=1, repr=False)]

    def rate_at(self, t: float) -> float:
        """Starts in the second around `t`."""
        return float(bisect_left(self.times_s, t + 0.5) - bisect_left(self.times_s, t - 0.5))

    def expected(self, t: Seconds) -> Seconds:
        """Starts before each `t`."""
        return np.searchsorted(np.array(self.times_s), t).astype(np.float64)

    def times(self, duration_s: float, seed: int) -> Seconds:  # noqa: ARG002  # as above
        """Those before the end of the run; the seed changes nothing."""
        times = np.array(self.times_s)
        return times[times < duration_s]
