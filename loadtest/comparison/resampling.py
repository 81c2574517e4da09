"""How far a figure of a run could have come out otherwise: a block bootstrap over time. Pure.

Requests beside each other share a queue and a stall, so resampling them one by one would make every interval far too
narrow. Instead the run is cut into short cells of time, and whole stretches of neighbouring cells are drawn with
replacement from the run bent to a circle (Politis and Romano, "A circular block-resampling procedure", 1992). How long
a stretch has to be, the data say (Politis and White, "Automatic block-length selection for the dependent bootstrap",
2004, with the correction by Patton, Politis and White, 2009).
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t  # type: ignore[import-untyped]  # scipy ships no types

Floats = NDArray[np.float64]

REPLICATES: Final = 4_000
LEAST_BLOCKS: Final = 10
"""With fewer independent stretches than this there is nothing to resample."""

_MOST_CELLS: Final = 1_000
_PER_CELL: Final = 5
"""Requests that a cell holds on average, unless the run is so long that cells become longer."""
_CANDIDATES: Final = 400


@dataclass(frozen=True)
class Estimate:
    """A figure, and what it was in each replicate of the run."""

    value: float
    replicates: Floats
    blocks: float
    """Stretches of time that can be called independent of each other."""
    freedom: float
    """Degrees of freedom of the scatter: few where a few stretches made most of it."""


@dataclass(frozen=True)
class Cells:
    """For each request of a run, the cell of time in which it was meant to start."""

    of: NDArray[np.int64]
    count: int


def cells(at_s: Floats, duration_s: float) -> Cells:
    """Equal parts of the run's time, of a few requests each."""
    count = int(np.clip(at_s.size // _PER_CELL, 1, _MOST_CELLS))
    return Cells(np.clip((at_s / duration_s * count).astype(np.int64), 0, count - 1), count)


def share(parts: Cells, hits: NDArray[np.bool_], random: np.random.Generator) -> Estimate:
    """The share of requests that are hits."""
    hit = np.bincount(parts.of, weights=hits, minlength=parts.count)
    all_ = np.bincount(parts.of, minlength=parts.count).astype(np.float64)
    ratio = float(hits.mean())
    series = hit - ratio * all_
    block = block_length(series)
    drawn = _weights(parts.count, block, random)
    replicates = (drawn @ hit) / np.maximum(drawn @ all_, 1)
    return Estimate(ratio, replicates, parts.count / block, _freedom(series, block))


def percentile(parts: Cells, values: Floats, percent: float, random: np.random.Generator) -> Estimate:
    """A percentile, nearest rank. Each replicate's is looked up in running counts of its cells, never sorted anew."""
    ordered = np.sort(values)
    wanted = percent / 100
    found = float(ordered[max(math.ceil(round(wanted * values.size, 9)) - 1, 0)])
    all_ = np.bincount(parts.of, minlength=parts.count).astype(np.float64)
    below = np.bincount(parts.of, weights=values <= found, minlength=parts.count)
    series = below - float((values <= found).mean()) * all_
    block = block_length(series)
    drawn = _weights(parts.count, block, random)
    spread = float(np.std((drawn @ below) / np.maximum(drawn @ all_, 1)))
    candidates = _around(ordered, wanted, 8 * spread)
    first = np.searchsorted(candidates, values, side="left")
    table = np.bincount(parts.of * (candidates.size + 1) + first, minlength=parts.count * (candidates.size + 1))
    counts = np.cumsum(table.reshape(parts.count, -1)[:, :-1], axis=1).astype(np.float32)
    reached = (drawn @ counts) >= (wanted * (drawn @ all_))[:, None] - 1e-3
    index = np.where(reached.any(axis=1), reached.argmax(axis=1), candidates.size - 1)
    return Estimate(found, candidates[index], parts.count / block, _freedom(series, block))


def interval(first: Estimate, second: Estimate, confidence: float) -> tuple[float, float]:
    """Ends of the confidence interval of `second - first`, two-sided.

    Percentiles of the replicates' differences and, where it is wider, the same distance to either side; both drawn
    apart by Student's t over the normal distribution: where a few stretches made most of the scatter, the replicates
    vary too little. tests/unit/loadtest/comparison/test_compare.py shows what that is worth on busy queues.
    """
    tail = (1 - confidence) / 2
    value = second.value - first.value
    differences = second.replicates - first.replicates
    low, high = (float(end) for end in np.quantile(differences, [tail, 1 - tail]))
    wide = float(t.ppf(1 - tail, max(min(first.freedom, second.freedom), 1)))
    stretch = wide / float(norm.ppf(1 - tail))
    reach = wide * float(differences.std())
    return (
        min(value - stretch * (value - low), low, value - reach),
        max(value + stretch * (high - value), high, value + reach),
    )


def block_length(series: Floats) -> int:
    """How many neighbouring cells are drawn together: 1 where they know nothing of each other.

    Twice what Politis and White find, which is best for a variance and short for the ends of an interval; at most a
    fifth of the series.
    """
    count = series.size
    centred = series - series.mean()
    variance = float(centred @ centred) / count
    if variance == 0 or count < 8:
        return 1
    padded = np.fft.rfft(centred, 2 * count)
    covariance = np.fft.irfft(padded * np.conj(padded))[:count] / count
    # The last lag before at least `needed` neighbours in a row that cannot be told from zero.
    needed = max(5, math.ceil(math.sqrt(math.log10(count))))
    limit = 2 * math.sqrt(math.log10(count) / count)
    most = min(math.ceil(math.sqrt(count)) + needed, count - 1)
    quiet = np.abs(covariance[1 : most + 1] / variance) < limit
    last = next((lag for lag in range(quiet.size) if quiet[lag : lag + needed].all()), quiet.size)
    width = min(2 * max(last, 1), most)
    lags = np.arange(1, width + 1)
    taper = np.clip(2 * (1 - lags / width), 0, 1)
    weighted = taper * covariance[1 : width + 1]
    spectrum = variance + 2 * float(weighted.sum())
    slope = 2 * float((lags * weighted).sum())
    if spectrum <= 0:
        return 1
    length = (2 * slope**2 / (4 / 3 * spectrum**2)) ** (1 / 3) * count ** (1 / 3)
    return 1 if length <= 1 else int(max(1, min(2 * math.ceil(length), count // 5)))


def _freedom(series: Floats, block: int) -> float:
    """Satterthwaite's, from the kurtosis of the stretches' sums: 2 B / (kurtosis - 1), at most B - 1 of B stretches."""
    stretches = series.size // block
    squares = (series[: stretches * block].reshape(stretches, block).sum(axis=1) - block * series.mean()) ** 2
    total = float(squares.sum())
    if total == 0:
        return float(stretches - 1)
    kurtosis = stretches * float((squares**2).sum()) / total**2
    return min(stretches - 1, 2 * stretches / max(kurtosis - 1, 1e-9))


def _weights(count: int, block: int, random: np.random.Generator) -> NDArray[np.float32]:
    """How often each replicate takes each cell: one line a replicate."""
    starts = random.integers(count, size=(REPLICATES, math.ceil(count / block)))
    line = np.arange(REPLICATES)[:, None] * count + starts
    begun = np.bincount(line.ravel(), minlength=REPLICATES * count).reshape(REPLICATES, count)
    total = np.cumsum(np.concatenate([begun, begun[:, : block - 1]], axis=1), axis=1, dtype=np.float32)
    # Cell c is covered by every stretch that began in the `block` cells up to it, around the circle.
    before = np.concatenate([np.zeros((REPLICATES, 1), np.float32), total[:, :-block]], axis=1)
    covered = total[:, block - 1 :] - before[:, : total.shape[1] - block + 1]
    return np.roll(covered, block - 1, axis=1)


def _around(ordered: Floats, wanted: float, reach: float) -> Floats:
    """Values near a percentile, close enough to each other that the gaps do not show."""
    shares = np.linspace(max(wanted - reach, 0), min(wanted + reach, 1), _CANDIDATES)
    ranks = np.clip(np.ceil(shares * ordered.size).astype(np.int64) - 1, 0, ordered.size - 1)
    return np.unique(ordered[ranks])
