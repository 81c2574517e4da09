"""What a bench found, as versioned JSON: every round stays in, so that each ratio can be worked out again."""

from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from loadtest import versioned
from lookout.files import write_whole

SCHEMA_VERSION: Final = 1

PhotoSize = Literal["640x480", "1920x1080"]
SIZES: Final[dict[PhotoSize, tuple[int, int]]] = {"640x480": (640, 480), "1920x1080": (1920, 1080)}

Name = Literal["ours", "ceiling", "plain_bentoml", "plain_tuned", "fastapi", "litserve", "other", "bentoml"]
"""`bentoml` has no model and is in the second table alone."""
PEERS: Final[tuple[Name, ...]] = ("plain_bentoml", "plain_tuned", "fastapi", "litserve", "other", "ceiling")
"""Whom ours is held against, in the order of the last line."""


class _Frozen(BaseModel):
    # JSON knows neither NaN (no answer to take a percentile of) nor infinity (a peer that answered nothing).
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Layout(_Frozen):
    """How a contestant uses the cores."""

    processes: int
    threads: int
    """In each process; of one interpreter where the server runs one photo at a time, else one session a thread."""

    def __str__(self) -> str:
        return f"{self.processes} x {self.threads}"


class Trial(_Frozen):
    """One layout tried, in closed loop."""

    layout: Layout
    per_s: float
    words: str = ""
    """What the layout does not say of it."""


class Memory(_Frozen):
    """Of all processes of a server, after its rounds."""

    processes: int
    rss_mib: float
    """What the kernel calls resident, added up: pages that processes share count in each."""
    pss_mib: float
    """Shared pages divided among those that share them."""


class Contestant(_Frozen):
    """Who ran, and how."""

    name: Name
    title: str
    layout: Layout
    trials: tuple[Trial, ...] = ()
    """What was tried to find the layout; empty where there was nothing to choose."""
    memory: Memory | None = None


class Round(_Frozen):
    """One contestant in one round of closed loop: so many connections that each wait for their answer."""

    photo: Literal["640x480", "1920x1080", "tiny"]
    connections: int
    number: int
    """Rounds with the same photo, connections and number belong together: they ran one right after the other."""
    contestant: Name
    per_s: float
    """Correct answers a second."""
    p50_ms: float
    p99_ms: float
    max_ms: float
    requests: int
    errors: int
    client_cores: float
    """Processor time of the client divided by wall time."""


class OpenRun(_Frozen):
    """One contestant under the project's open-loop load."""

    photo: PhotoSize
    contestant: Name
    share: float
    """Of what this contestant answered in closed loop just before; the ceiling gets photos as ours gets them."""
    rate_per_s: float
    requests: int
    errors: int
    p50_ms: float | None
    """From the intended start; None where there were too few answers to know it."""
    p99_ms: float | None
    late_ratio: float
    """Share of starts that the generator made more than 5 ms late."""
    in_process_ms: float | None = None
    """Median of one photo in one process with nothing else running, just before and after; None where that was not
    measured."""

    @property
    def saturation_per_s(self) -> float:
        """What that was."""
        return self.rate_per_s / self.share

    @property
    def tail_factor(self) -> float | None:
        """p99 over that median; None where one of them is not known."""
        return None if self.p99_ms is None or self.in_process_ms is None else self.p99_ms / self.in_process_ms


class Ratio(_Frozen):
    """Ours divided by theirs, round by round."""

    contestant: Name
    photo: PhotoSize
    median: float
    low: float
    high: float
    rounds: int


class Bar(_Frozen):
    """What was asked for, and whether it held."""

    name: str
    bound: float
    at_least: bool
    """Whether the measured value must be at least the bound; else at most."""
    strict: bool = False
    """Whether the bound itself is not enough."""
    measured: float | None
    """None where this run did not measure it."""

    @property
    def held(self) -> bool | None:
        """None where it was not measured."""
        if self.measured is None:
            return None
        if self.strict and self.measured == self.bound:
            return False
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


class BenchRecord(_Frozen):
    """One run of the bench."""

    schema_version: Literal[1] = SCHEMA_VERSION
    started_at: datetime
    duration_s: float
    quick: bool
    commit: str
    machine: str
    model: str
    """name:version of what all but the plain peers served."""
    runtime: str
    versions: dict[str, str]
    """Of the packages that were measured."""
    photo_bytes: dict[PhotoSize, tuple[int, ...]]
    in_process_ms: dict[PhotoSize, float]
    """Median of one photo in one idle process: decoding, preprocessing, inference, postprocessing."""
    contestants: tuple[Contestant, ...]
    rounds: tuple[Round, ...]
    open_runs: tuple[OpenRun, ...]
    overhead: tuple[Round, ...]
    """With a model that does nothing."""
    ratios: tuple[Ratio, ...]
    bars: tuple[Bar, ...]

    def save(self, path: Path) -> None:
        """Write the JSON, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, self.model_dump_json(indent=1) + "\n")


def load(path: Path) -> BenchRecord:
    """Read a record back. LookoutError when it is missing, of another schema version, or none."""
    remedy = "make one with: make bench"
    return versioned.parse(versioned.read(path, remedy), path, BenchRecord, "no bench record", remedy)
