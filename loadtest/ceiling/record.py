"""The generator's measured ceiling as versioned JSON in the state directory, and what it says of a run to come."""

import math
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from loadtest.gate.judge import MAX_LATE_RATIO
from loadtest.machine import processor
from loadtest.settings import LoadSettings
from lookout import paths
from lookout.errors import UsageError
from lookout.files import write_whole

SCHEMA_VERSION: Final = 1
CAREFUL: Final = 0.8
"""From this share of the ceiling on a run is warned about: a busy machine lowers it."""
Expect = Literal["any", "lookout"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Attempt(_Frozen):
    """One run against the reference server, from one process."""

    rate_per_s: float
    starts: int
    late_ratio: float
    """Share of the starts more than 5 ms behind their time."""
    lag_p99_ms: float | None
    lost: int
    """Starts that were dropped, or not answered correctly."""
    cpu_cores: float
    server_p99_ms: float | None
    """How long the reference server itself held its answers, to show that it was not the limit."""

    @property
    def kept(self) -> bool:
        """The schedule was kept, and everything was answered."""
        return self.late_ratio <= MAX_LATE_RATIO and self.lost == 0


class Ceiling(_Frozen):
    """The highest rate of one sending process, on this machine at that time."""

    schema_version: Literal[1] = SCHEMA_VERSION
    measured_at: datetime
    command: str
    locust: str
    processor: str
    cores: int
    """Of the machine; generator and reference server shared them."""
    photos: tuple[str, ...]
    expect: Expect
    seed: int
    step_s: float
    """Length of each run."""
    per_core: Attempt
    attempts: tuple[Attempt, ...]
    """All runs, in order."""

    def save(self) -> Path:
        """Write it into the state directory, whole or not at all."""
        path = file()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, self.text())
        return path

    def text(self) -> str:
        """The JSON file's text."""
        return self.model_dump_json(indent=1) + "\n"


def file() -> Path:
    """Where the ceiling of this machine stands."""
    return paths.state_dir() / "load-ceiling.json"


def load_ceiling() -> Ceiling | None:
    """The measured ceiling, None where there is none that this program can read."""
    try:
        return Ceiling.model_validate_json(file().read_text())
    except (OSError, UnicodeDecodeError, ValidationError):
        return None


def check_rate(settings: LoadSettings) -> str | None:
    """A warning for a run near the ceiling, None for one with room or where this machine's was not measured.

    UsageError for a run beyond it, which would end as "generator invalid". A ceiling measured with checked answers only
    warns a run that checks none: that one may keep more.
    """
    ceiling = load_ceiling()
    if ceiling is None or settings.arrivals.kind == "closed" or ceiling.processor != processor():
        return None
    # The mean over each second: a peak of a few starts is no rate.
    edges_s = np.linspace(0, settings.duration_s, math.ceil(settings.duration_s) + 1)
    wanted_per_s = float(np.max(np.diff(settings.arrivals.expected(edges_s)) / np.diff(edges_s)))
    # Of one process; several are taken to keep as many times that, and no more of them than there are cores.
    kept_per_s = ceiling.per_core.rate_per_s * min(settings.processes, ceiling.cores)
    said = (
        f"the rate reaches {wanted_per_s:,.0f} starts a second; on this machine the generator keeps {kept_per_s:,.0f} "
        f"at most with --processes {settings.processes} (one process was measured on {ceiling.measured_at:%Y-%m-%d})"
    )
    if wanted_per_s > kept_per_s and settings.expect in ("lookout", ceiling.expect):
        raise UsageError(said, "lower the rate, use more processes and cores, or measure anew: lookout load ceiling")
    return said if wanted_per_s > CAREFUL * kept_per_s else None
