"""The bars of a bench, each with what was measured: pure arithmetic on rounds and runs."""

import statistics
from collections.abc import Sequence
from typing import Final

from tests.bench.ratios import pairs, ratio
from tests.bench.record import Bar, Name, OpenRun, PhotoSize, Round

OVERHEAD_P99_MS: Final = 5.0
"""With no model, at 8 connections."""
TAIL_FACTOR: Final = 4.0
"""p99 at half of the saturation, over the median of one photo in one process just before and after."""
_MEDIANS: Final[dict[Name, tuple[float, bool]]] = {
    "plain_bentoml": (3.0, False),
    "plain_tuned": (2.0, False),
    "fastapi": (1.0, True),
    "litserve": (1.0, True),
    "other": (1.0, True),
    "ceiling": (0.9, False),
}
"""Least median ratio, and whether it has to be more than that."""
_WORST_OF_CEILING: Final = 0.85


def bars(
    rounds: Sequence[Round],
    open_runs: Sequence[OpenRun],
    overhead: Sequence[Round],
    photos: Sequence[PhotoSize],
) -> list[Bar]:
    """Every bar; those on throughput are about the first of the photos, those on latency about each."""
    photo = photos[0]
    found = [_median(rounds, peer, photo) for peer in _MEDIANS]
    worst = min(pairs(rounds, "ceiling", photo), default=None)
    found.append(Bar(name="throughput, worst round / ceiling", bound=_WORST_OF_CEILING, at_least=True, measured=worst))
    found += [_tail(open_runs, size) for size in photos]
    own = [one.p99_ms for one in overhead if one.contestant == "ours"]
    found.append(
        Bar(
            name="p99 with no model, ms",
            bound=OVERHEAD_P99_MS,
            at_least=False,
            measured=statistics.median(own) if own else None,
        )
    )
    return found


def missed(found: Sequence[Bar]) -> list[Bar]:
    """Those that were measured and did not hold."""
    return [bar for bar in found if bar.held is False]


def _median(rounds: Sequence[Round], peer: Name, photo: PhotoSize) -> Bar:
    bound, strict = _MEDIANS[peer]
    known = ratio(rounds, peer, photo)
    return Bar(
        name=f"throughput, median / {peer}",
        bound=bound,
        at_least=True,
        strict=strict,
        measured=None if known is None else known.median,
    )


def _tail(open_runs: Sequence[OpenRun], photo: PhotoSize) -> Bar:
    own = [one.tail_factor for one in open_runs if one.photo == photo and one.contestant == "ours"]
    factors = [factor for factor in own if factor is not None]
    return Bar(
        name=f"p99 at 50 % load / in-process median, {photo}",
        bound=TAIL_FACTOR,
        at_least=False,
        measured=statistics.median(factors) if factors else None,
    )
