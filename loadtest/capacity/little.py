"""Little's law, L = lambda W, as a check on a measurement: a stage that breaks it was not measured soundly.

In a closed loop the mean number in flight is known beforehand: it is the number of clients, each of which always waits
for one answer. Throughput times mean latency must give the same. What is missing is time the clients did not wait, so
the generator was busy with itself; what is too much is latency that was counted wrongly. J. D. C. Little, 1961.
"""

from typing import Final

TOLERANCE: Final = 0.1
"""Relative. Clients start within the first moments of a run and check every answer between two requests; on a sound
measurement both together stay below a tenth."""


def in_flight(throughput_per_s: float, mean_ms: float) -> float:
    """L: mean number in flight."""
    return throughput_per_s * mean_ms / 1000


def broken(expected: float, throughput_per_s: float, mean_ms: float, tolerance: float = TOLERANCE) -> str | None:
    """Why the law does not hold within the tolerance, for `expected` requests in flight; None where it does."""
    found = in_flight(throughput_per_s, mean_ms)
    if abs(found - expected) <= tolerance * expected:
        return None
    side = "the clients spent time on something else" if found < expected else "latencies are longer than the run has"
    return (
        f"Little's law: {throughput_per_s:.1f}/s times {mean_ms:.1f} ms is {found:.2f} in flight, not {expected:g} "
        f"within {tolerance:.0%}: {side}"
    )
