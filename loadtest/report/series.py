"""From raw samples to what a plot can show: arrays, figures by part of the time axis, curves of a bounded length.

Pure: arrays in, arrays out; seconds on time axes, milliseconds on latency axes, NaN where there is nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtest.result import Samples

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_WIDTHS_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_MOST_BUCKETS: Final = 200
_CURVE_POINTS: Final = 400


@dataclass(frozen=True)
class Columns:
    """The samples of a run as parallel arrays, one entry an intended start."""

    intended_s: Floats
    lag_ms: Floats
    latency_ms: Floats
    service_ms: Floats
    ok: Flags
    """The answer was correct."""
    error: tuple[str | None, ...]

    @property
    def arrived_s(self) -> Floats:
        """When the last byte of the answer came."""
        return self.intended_s + self.latency_ms / 1000


def columns(samples: Samples) -> Columns:
    """Arrays of the samples' columns; None becomes NaN."""
    return Columns(
        intended_s=np.asarray(samples.intended_s, dtype=np.float64),
        lag_ms=np.asarray(samples.lag_ms, dtype=np.float64),
        latency_ms=np.asarray(samples.latency_ms, dtype=np.float64),
        service_ms=np.asarray(samples.service_ms, dtype=np.float64),
        ok=np.fromiter((error is None for error in samples.error), dtype=np.bool_, count=len(samples.error)),
        error=samples.error,
    )


@dataclass(frozen=True)
class Buckets:
    """The time axis cut into equal parts, few enough to be told apart on paper."""

    width_s: float
    count: int

    @property
    def edges_s(self) -> Floats:
        """Where the parts begin, and where the last one ends."""
        return np.arange(self.count + 1, dtype=np.float64) * np.float64(self.width_s)

    @property
    def middles_s(self) -> Floats:
        """Where a figure of a part is drawn."""
        return np.asarray((np.arange(self.count) + 0.5) * self.width_s, dtype=np.float64)

    def of(self, at_s: Floats) -> NDArray[np.int64]:
        """The part in which each moment lies; moments past the end belong to the last part."""
        return np.clip((at_s / self.width_s).astype(np.int64), 0, self.count - 1)

    def per_second(self, at_s: Floats) -> Floats:
        """How many of the moments a second of each part holds."""
        return np.bincount(self.of(at_s), minlength=self.count) / self.width_s

    def percentiles(self, at_s: Floats, values: Floats, percents: Sequence[float]) -> Floats:
        """Nearest-rank percentiles of the values of each part: one row a percentile, NaN where a part is empty.

        100 is the largest value.
        """
        part = self.of(at_s)
        order = np.lexsort((values, part))
        sizes = np.bincount(part, minlength=self.count)
        first = np.cumsum(sizes) - sizes
        table = np.full((len(percents), self.count), np.nan)
        full = sizes > 0
        for row, percent in enumerate(percents):
            rank = np.maximum(np.ceil(np.round(percent * sizes[full] / 100, 9)).astype(np.int64) - 1, 0)
            table[row, full] = values[order[first[full] + rank]]
        return table


def buckets(duration_s: float) -> Buckets:
    """Parts of a run of this length: at most 200, each a round number of seconds."""
    width = next((w for w in _WIDTHS_S if duration_s / w <= _MOST_BUCKETS), _WIDTHS_S[-1])
    # A minute has 60 parts and not 120: a second with too few requests in it says little.
    width = max(width, 1.0) if duration_s >= 20 else width
    return Buckets(width, max(int(np.ceil(round(duration_s / width, 6))), 1))


def rarity_curve(values: Floats) -> tuple[Floats, Floats]:
    """A distribution on the scale of HDR histograms: 1 / (1 - percentile) and the value there, at most 400 points.

    Rank r of n stands for the share (r - 1/2) / n, so that the largest value stays on the axis (Hazen's positions).
    """
    ordered = np.sort(values)
    count = ordered.size
    from_top = np.arange(count)
    if count > _CURVE_POINTS:
        # Evenly spread on the logarithmic axis, and always the largest.
        from_top = np.unique(np.round(np.geomspace(1, count, _CURVE_POINTS)).astype(np.int64) - 1)
    from_top = from_top[::-1]
    return count / (from_top + 0.5), ordered[count - 1 - from_top]


def visible_dots(x: Floats, y: Floats, columns_px: int = 2000, rows_px: int = 700) -> tuple[Floats, Floats]:
    """Of the dots that would fall on the same spot of the picture, one: two million requests draw in a second."""
    if x.size <= 20_000:
        return x, y
    spot = _spot(x, columns_px) * np.int64(rows_px + 1) + _spot(y, rows_px)
    _, kept = np.unique(spot, return_index=True)
    return x[kept], y[kept]


def _spot(values: Floats, pixels: int) -> NDArray[np.int64]:
    low, high = float(values.min()), float(values.max())
    scale = pixels / (high - low) if high > low else 0.0
    return np.floor((values - low) * scale).astype(np.int64)
