"""How long a capacity measurement takes: quick or full, and the time told beforehand. Pure."""

from typing import Final, Literal, NamedTuple

from loadtest.capacity.search import most_runs
from loadtest.gate.slo import SloTerm
from loadtest.gate.stopping import needed_requests, recommended_requests

_START_S: Final = 3.0
"""Starting the generator's process and letting it end."""
_SCALE_S: Final = 8.0
"""Until other pods are ready and the old ones gone."""


class Effort(NamedTuple):
    """Lengths in seconds. A probe is a run of the search that is not the confirmation."""

    name: Literal["quick", "full"]
    sweep_s: float
    probe_s: float
    repeats: int
    resolution: float
    most_confirm_s: float
    """The longest that a confirmation may take; rates too low to prove the SLO in that time are not searched."""


# A run of a sweep is many rounds of its clients long: eight at a pod of 200 millicores wait 0.85 s each, and what is
# under way at a run's ends is not counted. In 4 s that was a tenth of it, as much as Little's law is allowed to miss.
QUICK: Final = Effort("quick", sweep_s=8, probe_s=20, repeats=3, resolution=0.1, most_confirm_s=300)
FULL: Final = Effort("full", sweep_s=15, probe_s=60, repeats=5, resolution=0.05, most_confirm_s=1800)


def confirm_s(effort: Effort, slo: tuple[SloTerm, ...], rate_per_s: float) -> float:
    """How long a run at this rate has to be to prove the SLO."""
    return max(effort.sweep_s, _requests(effort, slo, rate_per_s) / rate_per_s)


def lowest_rate(effort: Effort, slo: tuple[SloTerm, ...], first_per_s: float) -> float:
    """The rate at which a confirmation takes as long as it may; `first_per_s` says how a rate as a promise is meant."""
    return _requests(effort, slo, first_per_s) / effort.most_confirm_s


def expected_s(effort: Effort, concurrency: int, replicas: int, slo: tuple[SloTerm, ...]) -> tuple[float, float]:
    """About the shortest and the longest time of a whole measurement of so many points on each scale.

    The rate of a pod is not known yet: between 20 and 80 a second are reckoned with.
    """
    sweeps = effort.repeats * (concurrency + replicas) * (effort.sweep_s + _START_S)
    scaling = effort.repeats * replicas * _SCALE_S
    probes = most_runs(effort.resolution) * (effort.probe_s + _START_S)
    shortest, longest = (min(effort.most_confirm_s, confirm_s(effort, slo, rate)) for rate in (80.0, 20.0))
    return sweeps + scaling + probes / 2 + shortest, sweeps + scaling + probes + 2 * longest


def _requests(effort: Effort, slo: tuple[SloTerm, ...], rate_per_s: float) -> float:
    """Quick: an error ratio with no error at all, and a tenth more requests than that takes; everything else, and in a
    full measurement all of it, at the length from which half the permitted violations pass nine times in ten."""
    return max(
        1.1 * needed_requests(term, 0, rate_per_s)
        if effort.name == "quick" and term.measure == "errors"
        else recommended_requests(term, rate_per_s)
        for term in slo
    )
