"""The figures and facts of a run as text: what was asked, what came, each with its unit."""

from typing import Final

from loadtest.gate.slo import format_slo
from loadtest.report.page import Table
from loadtest.result import LATE_MS, Latency, LoadResult, Observations
from loadtest.statistics import PERCENTILES, needed_for

UNKNOWN: Final = "n/a"
_PRIORITY: Final = {
    True: "yes: starts go before all else on this machine, a server on it included",
    False: "no: starts wait for whatever else computes on this machine",
    None: UNKNOWN,
}


def subtitle(result: LoadResult) -> str:
    """Where and when."""
    return f"{result.settings.url}{result.settings.path} · {result.started_at:%Y-%m-%d %H:%M:%S} UTC"


def key_figures(result: LoadResult) -> list[tuple[str, str]]:
    """The few figures everyone looks for."""
    counts, latency = result.counts, result.latency_ms
    wrong = counts.intended - counts.ok
    return [
        ("median latency", milliseconds(latency.p50 if latency else None)),
        ("p99 latency", milliseconds(latency.p99 if latency else None)),
        ("correct answers/s", f"{result.throughput_per_s:,.1f}"),
        ("of intended starts not correct", f"{wrong:,} of {counts.intended:,}"),
        (f"of starts later than {LATE_MS:g} ms", f"{100 * result.generator.late_ratio:.2f} %"),
    ]


def asked(result: LoadResult, intent: str | None) -> list[tuple[str, str]]:
    """The settings of the run, those that make it repeatable first."""
    settings = result.settings
    rows = []
    if settings.profile:
        rows.append(("profile", settings.profile))
    if intent:
        rows.append(("intent", intent))
    rows += [
        ("arrivals", arrivals(result)),
        ("duration", f"{result.duration_s:,.1f} s of {settings.duration_s:g} s asked"),
        ("seed", str(settings.seed)),
        ("SLO", format_slo(settings.slo).replace(",", ", ") if settings.slo else "none"),
        ("target", settings.url + settings.path),
        ("answers expected", "the detector's own" if settings.expect == "lookout" else "any status below 400"),
        ("timeout", f"{settings.timeout_s:g} s"),
    ]
    shown = {"profile", "arrivals", "duration_s", "seed", "slo", "url", "path", "expect", "timeout_s"}
    others = settings.model_dump(mode="json", exclude=shown)
    return rows + [(name.replace("_", " "), _short(value)) for name, value in others.items() if value not in (None, {})]


def arrivals(result: LoadResult) -> str:
    """The schedule: its kind and numbers, without the starts of a trace."""
    values = result.settings.arrivals.model_dump(mode="json", exclude={"kind", "times_s"})
    numbers = ", ".join(f"{name.replace('_', ' ')} {_short(value)}" for name, value in values.items())
    return f"{result.settings.arrivals.kind}: {numbers}"


def answered(result: LoadResult) -> list[tuple[str, str]]:
    """Who answered, and what became of the requests."""
    counts = result.counts
    rows = [
        ("intended starts", f"{counts.intended:,}"),
        ("correct", f"{counts.ok:,}"),
        ("errors", f"{counts.errors:,}"),
        ("unfinished", f"{counts.unfinished:,}"),
        ("dropped", f"{counts.dropped:,}"),
        *((f"service {name}", value) for name, value in result.service.items()),
    ]
    return rows + [("answered by", " · ".join(model.values())) for model in result.models]


def latency_table(result: LoadResult) -> Table | None:
    """Latency beside service time; a percentile that cannot be known says how many answers it takes."""
    latency, service = result.latency_ms, result.service_ms
    if latency is None or service is None:
        return None
    lines = [(name, milliseconds(a), milliseconds(b)) for name, a, b in _latencies(latency, service)]
    lines = [line if line[1] != UNKNOWN else (line[0], f"takes {_needed(line[0])} answers", UNKNOWN) for line in lines]
    return Table(("correct answers", "from the intended start", "service time alone"), tuple(lines))


def stage_table(seen: Observations) -> Table:
    """Each stage's mean over the run's seconds, and its slowest second."""
    names = sorted({name for second in seen.stages for name in second.stage_ms})
    columns = {name: [second.stage_ms[name] for second in seen.stages if name in second.stage_ms] for name in names}
    columns["queue wait"] = [second.queue_wait_ms for second in seen.stages if second.queue_wait_ms is not None]
    lines = [
        (name, milliseconds(sum(values) / len(values)), milliseconds(max(values)))
        for name, values in columns.items()
        if values
    ]
    held = [second.in_flight for second in seen.stages if second.in_flight is not None]
    if held:
        lines.append(("requests in flight", f"{sum(held) / len(held):.1f}", f"{max(held):.0f}"))
    return Table(("server", "mean of the seconds", "largest second"), tuple(lines))


def pod_table(seen: Observations) -> Table:
    """The least and the most of each count."""
    counts = {
        "pods wanted": [second.wanted for second in seen.pods],
        "pods ready": [second.ready for second in seen.pods],
    }
    lines = [(name, str(min(values)), str(max(values))) for name, values in counts.items()]
    restarts = seen.pods[-1].restarts - seen.pods[0].restarts
    return Table(("pods", "least", "most"), (*lines, ("restarts during the run", str(restarts), str(restarts))))


def facts(result: LoadResult) -> list[tuple[str, str]]:
    """Every figure of a run that may be laid beside another's."""
    counts, latency = result.counts, result.latency_ms
    latencies = _latencies(latency, latency) if latency else []
    return [
        ("arrivals", arrivals(result)),
        ("intended starts", f"{counts.intended:,}"),
        ("correct", f"{counts.ok:,}"),
        ("errors", f"{counts.errors:,}"),
        ("correct answers/s", f"{result.throughput_per_s:,.1f}"),
        *((f"latency, {name}", milliseconds(value)) for name, value, _ in latencies),
        *((f"generator: {name}", value) for name, value in generator_facts(result)),
        *((f"service {name}", value) for name, value in result.service.items()),
    ]


def generator_facts(result: LoadResult) -> list[tuple[str, str]]:
    """Whether the generator kept its own schedule."""
    generator = result.generator
    cores = ", ".join(f"{used:.2f}" for used in generator.cpu_cores)
    return [
        (f"starts over {LATE_MS:g} ms late", f"{100 * generator.late_ratio:.2f} %"),
        ("lag, median · p99 · worst", " · ".join(map(milliseconds, _lags(result)))),
        ("dropped starts", f"{result.counts.dropped:,}"),
        ("processor per process", f"{cores} of a core" if cores else "unknown"),
        ("real-time priority", _PRIORITY[generator.real_time]),
        ("workers lost", str(generator.workers_lost)),
        ("clock jumps", str(generator.clock_jumps)),
        ("Locust", generator.locust),
        ("machine", generator.machine or "unknown"),
        ("photos", ", ".join(generator.photos) or "none"),
    ]


def milliseconds(value: float | None) -> str:
    """With its unit and no more digits than say something."""
    if value is None:
        return UNKNOWN
    return f"{value:,.2f} ms" if value < 10 else f"{value:,.1f} ms" if value < 1000 else f"{value:,.0f} ms"


def _latencies(latency: Latency, service: Latency) -> list[tuple[str, float | None, float | None]]:
    fields = ("min", "mean", "p50", "p90", "p95", "p99", "p99_9", "max")
    names = ("smallest", "mean", *(f"p{percent:g}" for percent in PERCENTILES), "largest")
    return [(name, getattr(latency, field), getattr(service, field)) for name, field in zip(names, fields, strict=True)]


def _needed(name: str) -> str:
    return f"{needed_for(float(name.removeprefix('p'))):,}"


def _lags(result: LoadResult) -> tuple[float | None, float | None, float | None]:
    return result.generator.lag_p50_ms, result.generator.lag_p99_ms, result.generator.lag_max_ms


def _short(value: object) -> str:
    if isinstance(value, list):
        shown = "; ".join(_short(entry) for entry in value[:4])
        return shown + (f"; … ({len(value)} in all)" if len(value) > 4 else "")
    if isinstance(value, dict):
        return " ".join(
            f"{name.replace('_', ' ')} {_short(entry)}" for name, entry in value.items() if entry is not None
        )
    return f"{value:g}" if isinstance(value, float) else str(value)
