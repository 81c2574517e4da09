"""How far what is seen now is from a reference: the population stability index over a sliding window of time.

Pure bookkeeping: no clock, no metrics. One thread at a time.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from lookout import contract
from service.profile import Feature

WINDOW_S: Final = 3600.0
_SLOTS: Final = 60
"""A slot holds counts, not photos, so the window's memory does not depend on how many photos come."""
MOST_BY_CHANCE: Final = contract.DRIFT_PSI / 4
"""There is no score while chance alone makes a larger one on average. With three bins or more the standard deviation of
chance is at most its mean, so what counts as drift lies three of them or more above that mean."""


def score(reference: Sequence[int], counts: Sequence[int]) -> float | None:
    """The population stability index of `counts` against `reference`; None while there are too few to tell."""
    return psi(reference, counts) if by_chance(reference, counts) <= MOST_BY_CHANCE else None


def psi(reference: Sequence[int], counts: Sequence[int]) -> float:
    """The sum of (q - p) ln(q / p) over the bins' shares p and q: 0 for equal shares.

    Half a count is added to every bin: an empty one would make it infinite, and tell more than it can know.
    """
    p, q = _shares(reference), _shares(counts)
    return sum((new - old) * math.log(new / old) for old, new in zip(p, q, strict=True))


def by_chance(reference: Sequence[int], counts: Sequence[int]) -> float:
    """The index that two samples of one distribution have on average: infinite when one is empty or there is one bin.

    Then the index is distributed as (1/N + 1/M) times chi-squared with (bins - 1) degrees of freedom (B. Yurdakul,
    Statistical Properties of Population Stability Index, dissertation, Western Michigan University, 2018).
    """
    reference_size, size = sum(reference), sum(counts)
    if not reference_size or not size or len(reference) < 2:
        return math.inf
    return (len(reference) - 1) * (1 / reference_size + 1 / size)


class Window:
    """Counts by feature and bin over the last `WINDOW_S` seconds, to a slot."""

    def __init__(self, bins: Mapping[Feature, int]) -> None:
        self._bins = dict(bins)
        self._slots: deque[_Slot] = deque(maxlen=_SLOTS)

    def add(self, now_s: float, found: Mapping[Feature, Sequence[int]]) -> None:
        """Count one photo, seen at `now_s` on a clock that never goes back, by indices of bins."""
        number = _slot_number(now_s)
        if not self._slots or self._slots[-1].number != number:
            self._slots.append(_Slot(number, self._bins))
        slot = self._slots[-1]
        slot.photos += 1
        for feature, indices in found.items():
            counts = slot.counts[feature]
            for index in indices:
                counts[index] += 1

    def photos(self, now_s: float) -> int:
        """How many photos the window holds."""
        return sum(slot.photos for slot in self._recent(now_s))

    def counts(self, now_s: float) -> dict[Feature, list[int]]:
        """The counts in the window."""
        total = {feature: [0] * bins for feature, bins in self._bins.items()}
        for slot in self._recent(now_s):
            for feature, counts in slot.counts.items():
                total[feature] = [a + b for a, b in zip(total[feature], counts, strict=True)]
        return total

    def _recent(self, now_s: float) -> list["_Slot"]:
        return [slot for slot in self._slots if slot.number > _slot_number(now_s) - _SLOTS]


class _Slot:
    def __init__(self, number: int, bins: Mapping[Feature, int]) -> None:
        self.number, self.photos = number, 0
        self.counts = {feature: [0] * count for feature, count in bins.items()}


def _slot_number(now_s: float) -> int:
    return int(now_s // (WINDOW_S / _SLOTS))


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) + len(counts) / 2
    return [(count + 0.5) / total for count in counts]
