"""What a judged run leaves for releases, alerts and autoscaler to read: versioned JSON, described in docs/evidence.md.

Everything that decides is in it; the raw latencies stay in the run's own result, which `samples_sha256` ties to it.
"""

import hashlib
import importlib.metadata
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from loadtest import versioned
from loadtest.gate.judge import generator_faults
from loadtest.gate.slo import SloTerm
from loadtest.gate.verdict import Judgement
from loadtest.result import Counts, Generator, Latency, LoadResult
from lookout import contract
from lookout.files import write_whole

SCHEMA_VERSION: Final = 1
DIGEST: Final = r"^sha256:[0-9a-f]{64}$"
BENTO: Final = r"[a-z0-9][a-z0-9._-]*:[a-z0-9][a-z0-9._-]*"
"""Name and version."""
_MAKE: Final = "make one with: lookout load run --slo SLO --evidence PATH"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Subject(_Frozen):
    """What was tested. None where the server did not say, or is not the project's own."""

    target: str
    """The environment's name where the URL is one's door or Service, else host and port."""
    url: str
    path: str
    bento: str | None
    digest: Annotated[str, Field(pattern=DIGEST)] | None
    """Of the image that the bento was released as."""
    models: tuple[dict[str, str], ...]
    """Name, version and runtime of every model that answered: one, unless a rollout was on its way."""


class Evidence(_Frozen):
    """One judged run."""

    schema_version: Literal[1] = SCHEMA_VERSION
    tool: str
    """Name and version of the program that judged."""
    started_at: datetime
    duration_s: float
    interrupted: bool
    subject: Subject
    settings_sha256: str
    """Of the run's settings as canonical JSON (sorted keys, no spaces): equal for equal tests."""
    samples_sha256: str
    """The same of the result's samples."""
    profile: str | None
    seed: int
    loop: Literal["open", "closed"]
    arrivals: dict[str, Any]
    """Kind and rates of the schedule; of a replayed trace its name and number of starts."""
    slo: tuple[SloTerm, ...]
    counts: Counts
    errors_by_kind: dict[str, int]
    throughput_per_s: float
    latency_ms: Latency | None
    generator: Generator
    generator_faults: tuple[str, ...]
    """Empty when the generator kept its schedule."""
    verdict: Judgement

    @classmethod
    def of(cls, result: LoadResult, digest: str | None = None) -> Self:
        """Evidence of a judged run; ValueError when it was not judged, for want of an SLO."""
        if result.verdict is None:
            raise ValueError("a run without a verdict is no evidence")
        settings = result.settings
        return cls(
            tool=f"lookout {importlib.metadata.version('lookout')}",
            started_at=result.started_at,
            duration_s=result.duration_s,
            interrupted=result.interrupted,
            subject=Subject(
                target=target_name(settings.url),
                url=settings.url,
                path=settings.path,
                bento=_bento(result),
                digest=digest,
                models=result.models,
            ),
            settings_sha256=_sha256(settings),
            samples_sha256=_sha256(result.samples),
            profile=settings.profile,
            seed=settings.seed,
            loop=result.loop,
            arrivals=_arrivals(settings.arrivals),
            slo=settings.slo,
            counts=result.counts,
            errors_by_kind=result.errors_by_kind,
            throughput_per_s=result.throughput_per_s,
            latency_ms=result.latency_ms,
            generator=result.generator,
            generator_faults=generator_faults(result),
            verdict=result.verdict,
        )

    def save(self, path: Path) -> None:
        """Write the JSON, whole or not at all. OSError when it cannot be written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, self.model_dump_json(indent=1) + "\n")

    @property
    def place(self) -> str:
        """Where it stands in the configuration repository; ValueError when neither image nor bento is known."""
        name = self.subject.digest or self.subject.bento
        if name is None:
            raise ValueError("nobody knows what was tested")
        file = f"{self.profile or 'custom'}-{self.started_at:%Y%m%dT%H%M%SZ}.json"
        return f"{contract.CONFIG_EVIDENCE}/{name.replace(':', '-')}/{file}"


def load_evidence(path: Path) -> Evidence:
    """Read evidence back. LookoutError when the file is missing, of another schema version, or no evidence."""
    return versioned.parse(versioned.read(path, _MAKE), path, Evidence, "no evidence", _MAKE)


def target_name(url: str) -> str:
    """`prod` for http://127.0.0.1:8080 and http://detector.lookout-prod, else host and port."""
    parts = urlsplit(url)
    for environment in contract.ENVIRONMENTS:
        in_cluster = (parts.hostname or "").startswith(f"{contract.DETECTOR}.{contract.namespace(environment)}")
        door = parts.hostname in ("127.0.0.1", "localhost") and parts.port == contract.DOORS[environment]
        if in_cluster or door:
            return environment
    return parts.netloc


def _bento(result: LoadResult) -> str | None:
    # What a server says of itself ends up in a file's name: nothing but a bento's own form is taken.
    said = result.service.get("bento", "")
    return said if re.fullmatch(BENTO, said) else None


def _arrivals(arrivals: BaseModel) -> dict[str, Any]:
    fields = arrivals.model_dump(mode="json")
    times = fields.pop("times_s", None)
    return fields if times is None else {**fields, "starts": len(times)}


def _sha256(part: BaseModel) -> str:
    canonical = json.dumps(part.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
