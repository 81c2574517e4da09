"""Ours against each peer, round by round: pure arithmetic on a record's rounds."""

import math
import statistics
from collections.abc import Sequence
from typing import Final

from tests.bench.record import PEERS, Name, PhotoSize, Ratio, Round

MAIN: Final[PhotoSize] = "640x480"
"""The photo that the last line and the throughput bars are about."""


def ratio(rounds: Sequence[Round], peer: Name, photo: PhotoSize) -> Ratio | None:
    """Ours divided by theirs, paired: both of the same photo, connections and round. None where there is no pair."""
    paired = pairs(rounds, peer, photo)
    if not paired:
        return None
    return Ratio(
        contestant=peer,
        photo=photo,
        median=statistics.median(paired),
        low=min(paired),
        high=max(paired),
        rounds=len(paired),
    )


def pairs(rounds: Sequence[Round], peer: Name, photo: PhotoSize) -> list[float]:
    """The ratio of each round in which both were measured; infinite where the peer answered nothing."""
    ours, theirs = (_by_round(rounds, name, photo) for name in ("ours", peer))
    return [ours[key] / theirs[key] if theirs[key] else math.inf for key in ours if key in theirs]


def ratios(rounds: Sequence[Round], photos: Sequence[PhotoSize]) -> list[Ratio]:
    """Of every peer and photo that was measured."""
    found = (ratio(rounds, peer, photo) for photo in photos for peer in PEERS)
    return [one for one in found if one is not None]


def line(found: Sequence[Ratio], photo: PhotoSize) -> str:
    """The bench's last line: medians for `photo` with two decimals, in a fixed order; `nan` for who did not run."""
    medians = {one.contestant: one.median for one in found if one.photo == photo}
    return " ".join(["ratios", *(f"{peer}={medians.get(peer, math.nan):.2f}" for peer in PEERS)])


def best_connections(rounds: Sequence[Round], name: Name, photo: PhotoSize) -> int | None:
    """At how many it answers most, by the median of their rounds; None where it answered nothing."""
    speeds: dict[int, list[float]] = {}
    for one in rounds:
        if one.contestant == name and one.photo == photo:
            speeds.setdefault(one.connections, []).append(one.per_s)
    medians = {count: statistics.median(each) for count, each in speeds.items()}
    best = max(medians, key=lambda count: medians[count], default=None)
    return best if best and medians[best] else None


def _by_round(rounds: Sequence[Round], name: Name, photo: PhotoSize) -> dict[tuple[int, int], float]:
    return {(one.connections, one.number): one.per_s for one in rounds if one.contestant == name and one.photo == photo}
