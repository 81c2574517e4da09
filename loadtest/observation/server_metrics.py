"""The service's own figures out of its /metrics: what happened between two looks at the same process. Pure.

Counters belong to one process. Behind a Service each look may reach another pod, and a restart begins at zero, so two
looks are subtracted only where `process_start_time_seconds` and the pod say that they saw the same process.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from lookout import contract

_STARTED: Final = "process_start_time_seconds"
_WANTED: Final = (
    f"{contract.METRIC_STAGE}_sum",
    f"{contract.METRIC_STAGE}_count",
    f"{contract.METRIC_QUEUE_WAIT}_sum",
    f"{contract.METRIC_QUEUE_WAIT}_count",
    contract.METRIC_IN_FLIGHT,
    _STARTED,
)
_QUEUE: Final = ""
"""Key of the queue wait beside the stages, which have names."""


class Look(NamedTuple):
    """What one process said at one moment."""

    process: str
    """The same for two looks only when they saw the same process."""
    totals: dict[str, tuple[float, float]]
    """Seconds and photos so far, by stage; the queue wait under an empty name."""
    in_flight: float | None


class Between(NamedTuple):
    """What happened between two looks at each of some processes, all together."""

    stage_ms: dict[str, float]
    """Mean milliseconds by stage; a stage that nothing passed is not in it."""
    queue_wait_ms: float | None


def read(text: str, pod: str = "") -> Look | None:
    """A look from the text of /metrics; None where it is not the service's. `pod` names who was asked, if known."""
    # Only these lines: the buckets of the histograms are most of the text, and this runs beside a measurement.
    lines = [line for line in text.splitlines() if line.startswith(_WANTED)]
    totals: dict[str, tuple[float, float]] = {}
    in_flight = None
    started = ""
    try:
        for family in text_string_to_metric_families("\n".join(lines) + "\n"):
            for name, labels, value, *_ in family.samples:
                if name == contract.METRIC_IN_FLIGHT:
                    in_flight = value
                elif name == _STARTED:
                    started = repr(value)
                elif name.startswith((contract.METRIC_STAGE, contract.METRIC_QUEUE_WAIT)):
                    key = labels.get("stage", _QUEUE)
                    seconds, count = totals.get(key, (0.0, 0.0))
                    totals[key] = (value, count) if name.endswith("_sum") else (seconds, value)
    except (ValueError, KeyError, IndexError):
        return None
    return Look(f"{pod}@{started}", totals, in_flight) if totals else None


def between(pairs: Iterable[tuple[Look, Look]]) -> Between:
    """Means over what every pair of looks (earlier, later) at one process adds up to.

    ValueError when a pair saw two processes.
    """
    seconds: dict[str, float] = {}
    counts: dict[str, float] = {}
    for earlier, later in pairs:
        if earlier.process != later.process:
            raise ValueError(f"counters of two processes: {earlier.process} and {later.process}")
        for key, (total, count) in later.totals.items():
            total_before, count_before = earlier.totals.get(key, (0.0, 0.0))
            seconds[key] = seconds.get(key, 0.0) + total - total_before
            counts[key] = counts.get(key, 0.0) + count - count_before
    means = {key: 1000 * seconds[key] / counts[key] for key in seconds if counts[key] > 0}
    wait = means.pop(_QUEUE, None)
    return Between(means, wait)
