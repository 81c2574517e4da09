"""What a run is called in words, the same on screen and in the report."""

from typing import Final

from loadtest.arrivals import Arrivals, Closed, Diurnal, Ramp, Replay, Spike, Steps
from loadtest.result import LoadResult
from loadtest.statistics import PERCENTILES, needed_for

BUSY_CORES: Final = 0.8
"""From here on the generator's own waiting shows in the latencies: it runs on one thread of one core."""
CLOSED: Final = (
    "Closed loop, not a certification: every user waits for its answer before it sends the next photo, so a "
    "slow server is simply asked less. It shows that the road from client to detector works; it certifies neither "
    "latency nor capacity."
)


def outcome(result: LoadResult) -> str:
    """What became of the requests, in a few words."""
    counts = result.counts
    if counts.intended == 0:
        words = "Nothing was sent"
    elif counts.ok == counts.intended:
        words = f"All {counts.ok:,} answers correct"
    else:
        words = f"{counts.errors:,} of {counts.intended:,} requests failed"
        if counts.dropped:
            words += f", {counts.dropped:,} never started"
        if counts.unfinished:
            words += f", {counts.unfinished:,} unfinished"
    return words + (" (interrupted: a partial run)" if result.interrupted else "")


def latency_rows(result: LoadResult) -> list[tuple[str, str]]:
    """Name and value of each latency figure; a percentile that cannot be known says how many answers it takes."""
    latency = result.latency_ms
    if latency is None:
        return []
    known = (latency.p50, latency.p90, latency.p95, latency.p99, latency.p99_9)
    rows = [("smallest", f"{latency.min:.1f} ms"), ("mean", f"{latency.mean:.1f} ms")]
    for percent, value in zip(PERCENTILES, known, strict=True):
        shown = f"{value:.1f} ms" if value is not None else f"unknown: takes {needed_for(percent):,} correct answers"
        rows.append((f"p{percent:g}", shown))
    return [*rows, ("largest", f"{latency.max:.1f} ms")]


def is_busy(result: LoadResult) -> bool:
    """Whether the generator was so busy that the latencies are partly its own."""
    return max(result.generator.cpu_cores, default=0.0) > BUSY_CORES


def arrivals_in_words(arrivals: Arrivals) -> str:
    """Kind and numbers of arrivals on one line; rates are a second, lengths in seconds."""
    match arrivals:
        case Closed(users=users):
            return f"closed loop, {users} users"
        case Ramp():
            return f"ramp from {arrivals.rate:g} to {arrivals.to_rate:g}/s over {arrivals.over_s:g} s"
        case Steps():
            return "steps " + ", ".join(f"{step.rate:g}/s for {step.for_s:g} s" for step in arrivals.steps)
        case Spike():
            return f"{arrivals.rate:g}/s, from {arrivals.at_s:g} s on {arrivals.peak:g}/s for {arrivals.for_s:g} s"
        case Diurnal():
            return f"days of {arrivals.period_s:g} s from {arrivals.rate:g} to {arrivals.peak:g}/s"
        case Replay():
            return f"replay of {arrivals.trace}, {len(arrivals.times_s):,} starts"
        case _:
            return f"{arrivals.kind}, {arrivals.rate:g}/s"
