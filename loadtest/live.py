"""The one line that follows a run: what is meant to happen, what happens, and what goes wrong. Pure."""

from loadtest.recording import Recording
from loadtest.result import LATE_MS
from loadtest.settings import LoadSettings
from loadtest.statistics import percentile

_WINDOW_S = 5.0
_LOOKED_AT = 10_000
"""Newest answers among which the window is looked for: a bound on the work of each line."""


def progress_line(recording: Recording, settings: LoadSettings, at_s: float) -> str:
    """Time, rates, requests in flight, latency of the last seconds, errors, lag and drops, `at_s` into the run."""
    if not recording.begin:
        waiting = recording.waiting
        joined = f": {waiting['workers']} of {waiting['of']} workers are here" if waiting.get("of", 1) > 1 else ""
        return f"starting the load generator{joined} …"
    at_s = max(at_s, 0.0)
    span_s = min(_WINDOW_S, at_s)
    window = _window(recording, at_s - span_s)
    parts = [f"{min(at_s, settings.duration_s):4.0f} / {settings.duration_s:g} s"]
    rate = f"{len(window) / span_s:.1f}/s" if span_s > 0 else "0/s"
    if settings.arrivals.kind == "closed":
        parts.append(f"{rate} answered")
    else:
        parts.append(f"{settings.arrivals.rate_at(min(at_s, settings.duration_s)):.1f}/s intended, {rate} answered")
    parts.append(f"{sum(recording.in_flight.values())} in flight")
    good = sorted(window)
    if good:
        p50, p99 = good[(len(good) - 1) // 2], percentile(good, 99)
        parts.append(f"p50 {p50:.1f} ms, " + (f"p99 {p99:.1f} ms" if p99 is not None else f"largest {good[-1]:.1f} ms"))
    parts.append(f"{recording.errors:,} errors")
    if recording.late:
        parts.append(f"{recording.late:,} starts over {LATE_MS:g} ms late")
    if recording.dropped:
        parts.append(f"{recording.dropped:,} DROPPED")
    return "   ".join(parts)


def _window(recording: Recording, from_s: float) -> list[float]:
    """Latency in ms of what was answered since `from_s`."""
    recent = zip(
        recording.intended_s[-_LOOKED_AT:],
        recording.lag_ms[-_LOOKED_AT:],
        recording.service_ms[-_LOOKED_AT:],
        strict=True,
    )
    latency = [(s, lag + ms) for s, lag, ms in recent if lag is not None and ms is not None]
    return [ms for s, ms in latency if s + ms / 1000 >= from_s]
