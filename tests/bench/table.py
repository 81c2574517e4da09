"""A record as tables for the terminal, ending with the line that scripts read."""

import statistics
from collections.abc import Iterable, Sequence

from tests.bench.ratios import line, pairs
from tests.bench.record import Bar, BenchRecord, Contestant, Name, PhotoSize, Round


def lines(record: BenchRecord, photo: PhotoSize) -> list[str]:
    """Everything that is printed at the end; the last line is the ratios for `photo`."""
    return [
        *_contestants(record.contestants),
        *[text for size in record.in_process_ms for text in (*_closed(record, size), *_open(record, size))],
        *_overhead(record.overhead),
        *_bars(record.bars),
        "",
        line(record.ratios, photo),
    ]


def _contestants(contestants: Sequence[Contestant]) -> list[str]:
    rows = ["", f"{'contestant':<14} {'layout':>7} {'procs':>6} {'RSS':>10} {'PSS':>10}   what it is"]
    for one in contestants:
        memory = one.memory
        weight = (
            f"{'':>28}"
            if memory is None
            else f"{memory.processes:>6} {memory.rss_mib:>6.0f} MiB {memory.pss_mib:>6.0f} MiB"
        )
        tried = ", ".join(f"{trial.words or trial.layout}: {trial.per_s:.1f}/s" for trial in one.trials)
        rows.append(f"{one.name:<14} {one.layout!s:>7} {weight}   {one.title}{f' (tried {tried})' if tried else ''}")
    return [*rows, "layout: processes x threads; RSS counts shared pages once a process, PSS divides them"]


def _closed(record: BenchRecord, photo: PhotoSize) -> list[str]:
    rounds = [one for one in record.rounds if one.photo == photo]
    counts = sorted({one.connections for one in rounds})
    heads = "".join(f"{f'{count} conn.':>22}" for count in counts)
    rows = ["", f"{photo}, closed loop: answers a second, median (lowest..highest of the rounds)"]
    rows.append(f"{'contestant':<14}{heads} {'ours / theirs':>24}")
    ratios = {one.contestant: one for one in record.ratios if one.photo == photo}
    for name in _names(rounds):
        cells = "".join(f"{_spread(_speeds(rounds, name, count)):>22}" for count in counts)
        own = ratios.get(name)
        beside = "" if own is None else f"{own.median:.2f} ({own.low:.2f}..{own.high:.2f})"
        rows.append(f"{name:<14}{cells} {beside:>24}")
    if "ceiling" in ratios:
        rows += ["ours / ceiling, every round", *_every_round(record, photo, counts)]
    errors = sum(one.errors for one in rounds)
    client = max((one.client_cores for one in rounds), default=0.0)
    median = record.in_process_ms[photo]
    return [
        *rows,
        f"wrong answers: {errors}; the client took at most {client:.1%} of a core; in-process median {median:.1f} ms",
    ]


def _every_round(record: BenchRecord, photo: PhotoSize, counts: Sequence[int]) -> list[str]:
    """Not only medians: workers that share a socket lose a round now and then, and medians hide it."""
    rows = []
    for count in counts:
        own = pairs([one for one in record.rounds if one.connections == count], "ceiling", photo)
        rows.append(f"{f'  {count} conn.':<14}" + "".join(f"{ratio:>7.2f}" for ratio in own))
    return rows


def _open(record: BenchRecord, photo: PhotoSize) -> list[str]:
    runs = [one for one in record.open_runs if one.photo == photo]
    if not runs:
        return []
    rows = ["", f"{photo}, open loop (Poisson): latency from the intended start"]
    rows.append(
        f"{'contestant':<14} {'saturation':>11} {'load':>5} {'rate':>9} {'p50':>10} {'p99':>10} "
        f"{'errors':>7} {'late':>6} {'p99 / alone':>12}"
    )
    for one in runs:
        factor = "" if one.tail_factor is None else f"{one.tail_factor:.2f}"
        rows.append(
            f"{one.contestant:<14} {one.saturation_per_s:>9.1f}/s {one.share:>5.0%} {one.rate_per_s:>7.1f}/s "
            f"{_ms(one.p50_ms):>10} {_ms(one.p99_ms):>10} {one.errors:>7} {one.late_ratio:>6.1%} {factor:>12}"
        )
    return [*rows, "ceiling: the same arrivals, each to the first free process of one a core, and no server"]


def _overhead(rounds: Sequence[Round]) -> list[str]:
    if not rounds:
        return []
    count = rounds[0].connections
    rows = ["", f"no model, a tiny photo, {count} connections: the server alone, median (lowest..highest)"]
    rows.append(f"{'contestant':<14} {'answers a second':>24} {'p50 ms':>22} {'p99 ms':>22} {'slowest ms':>22}")
    for name in _names(rounds):
        own = [one for one in rounds if one.contestant == name]
        p50, p99, slowest = (
            _spread([getattr(one, column) for one in own]) for column in ("p50_ms", "p99_ms", "max_ms")
        )
        rows.append(f"{name:<14} {_spread([one.per_s for one in own]):>24} {p50:>22} {p99:>22} {slowest:>22}")
    return rows


def _bars(bars: Sequence[Bar]) -> list[str]:
    rows = ["", f"{'bar':<46} {'wanted':>9} {'measured':>9}"]
    words = {True: "held", False: "MISSED", None: "not measured"}
    for bar in bars:
        sign = (">" if bar.strict else "≥") if bar.at_least else "≤"
        measured = "-" if bar.measured is None else f"{bar.measured:.2f}"
        rows.append(f"{bar.name:<46} {f'{sign} {bar.bound:g}':>9} {measured:>9}  {words[bar.held]}")
    return rows


def _names(rounds: Iterable[Round]) -> list[Name]:
    """In the order of appearance, ours first."""
    seen = dict.fromkeys(one.contestant for one in rounds)
    return sorted(seen, key=lambda name: name != "ours")


def _speeds(rounds: Iterable[Round], name: Name, connections: int) -> list[float]:
    return [one.per_s for one in rounds if one.contestant == name and one.connections == connections]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{statistics.median(values):.1f} ({min(values):.1f}..{max(values):.1f})"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"
