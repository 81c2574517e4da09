"""Rounds, runs and a whole record, for the tests of what is worked out from them."""

from datetime import UTC, datetime
from typing import Any

from tests.bench.bars import bars
from tests.bench.ratios import ratios
from tests.bench.record import BenchRecord, Contestant, Layout, Memory, Name, OpenRun, PhotoSize, Round, Trial


def a_round(contestant: Name = "ours", per_s: float = 80.0, number: int = 0, **changes: Any) -> Round:
    """One round at 640x480 with 8 connections."""
    fields: dict[str, Any] = {
        "photo": "640x480", "connections": 8, "number": number, "contestant": contestant, "per_s": per_s,
        "p50_ms": 90.0, "p99_ms": 120.0, "max_ms": 130.0, "requests": 240, "errors": 0, "client_cores": 0.01,
    }  # fmt: skip
    return Round(**(fields | changes))


def an_open_run(p99_ms: float | None = 60.0, **changes: Any) -> OpenRun:
    """Ours at half of its saturation."""
    fields: dict[str, Any] = {
        "photo": "640x480", "contestant": "ours", "share": 0.5, "rate_per_s": 40.0, "requests": 460, "errors": 0,
        "p50_ms": 30.0, "p99_ms": p99_ms, "late_ratio": 0.0,
    }  # fmt: skip
    return OpenRun(**(fields | changes))


def a_record(rounds: list[Round], open_runs: list[OpenRun], overhead: list[Round]) -> BenchRecord:
    """A record of that, its ratios and bars worked out as the bench does."""
    in_process: dict[PhotoSize, float] = {"640x480": 20.0}
    names = dict.fromkeys(one.contestant for one in rounds)
    layout = Layout(processes=1, threads=2)
    return BenchRecord(
        started_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), duration_s=600.0, quick=False, commit="abc1234",
        machine="a machine", model="model:1", runtime="litert-int8", versions={"bentoml": "1"},
        photo_bytes={"640x480": (50_000, 60_000)}, in_process_ms=in_process,
        contestants=tuple(
            Contestant(
                name=name, title=f"what {name} is", layout=layout, trials=(Trial(layout=layout, per_s=50.0),),
                memory=Memory(processes=2, rss_mib=300.0, pss_mib=250.0),
            )
            for name in names
        ),
        rounds=tuple(rounds), open_runs=tuple(open_runs), overhead=tuple(overhead),
        ratios=tuple(ratios(rounds, ["640x480"])),
        bars=tuple(bars(rounds, open_runs, overhead, ["640x480"])),
    )  # fmt: skip
