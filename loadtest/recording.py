"""What the generator has said so far of a run that goes on, read line by line from its samples file."""

import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from loadtest.result import DROPPED, LATE_MS, UNFINISHED, Samples

_COLUMNS: Final = ("intended_s", "lag_ms", "latency_ms", "service_ms", "error")


@dataclass
class Recording:
    """Columns in the order the answers came; `index` is the number of the start in the schedule."""

    index: list[int] = field(default_factory=list)
    intended_s: list[float] = field(default_factory=list)
    lag_ms: list[float | None] = field(default_factory=list)
    service_ms: list[float | None] = field(default_factory=list)
    error: list[str | None] = field(default_factory=list)
    models: list[dict[str, str]] = field(default_factory=list)
    errors: int = 0
    dropped: int = 0
    late: int = 0
    """Starts that were made, but more than LATE_MS late."""
    in_flight: dict[int, int] = field(default_factory=dict)
    """By worker."""
    waiting: dict[str, Any] = field(default_factory=dict)
    begin: dict[str, Any] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)

    def add(self, line: str) -> None:
        """Take one line of the samples file."""
        ((kind, record),) = json.loads(line).items()
        if kind == "samples":
            self._count(record)
        elif kind == "in_flight":
            self.in_flight[record["worker"]] = record["requests"]
        elif kind == "model":
            if record not in self.models:
                self.models.append(record)
        else:
            setattr(self, kind, record)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the schedule's zero by this machine's steady clock; 0 before it."""
        return max(time.perf_counter() - self.begin["perf"], 0.0) if self.begin else 0.0

    @property
    def last_s(self) -> float:
        """When the last answer came, in seconds since the schedule began."""
        return max(
            (s + ((lag or 0) + (ms or 0)) / 1000 for s, lag, ms in self._rows()),
            default=0.0,
        )

    def _count(self, columns: dict[str, list[Any]]) -> None:
        for name, values in columns.items():
            getattr(self, name).extend(values)
        dropped = sum(lag is None for lag in columns["lag_ms"])
        self.dropped += dropped
        self.errors += sum(error is not None for error in columns["error"]) - dropped
        self.late += sum(lag is not None and lag > LATE_MS for lag in columns["lag_ms"])

    def _rows(self) -> Any:
        return zip(self.intended_s, self.lag_ms, self.service_ms, strict=True)

    def samples(self, schedule: list[float], lost: bool) -> Samples:
        """All of it in order of intent, each start once.

        `schedule` are the starts that were due, empty for a closed loop; those the generator said nothing of get an
        error too: dropped when a worker was `lost`, unfinished otherwise.
        """
        rows = {
            index: (s, lag, None if ms is None or lag is None else round(lag + ms, 3), ms, error)
            for index, s, lag, ms, error in zip(
                self.index, self.intended_s, self.lag_ms, self.service_ms, self.error, strict=True
            )
        }
        missing = f"{DROPPED}: its worker was lost" if lost else UNFINISHED
        for index, intended_s in enumerate(schedule):
            rows.setdefault(index, (intended_s, None, None, None, missing))
        columns = list(zip(*sorted(rows.values(), key=lambda row: row[0]), strict=True))
        return Samples(**dict(zip(_COLUMNS, columns, strict=False)))
