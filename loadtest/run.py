"""Starting the generator, following what it measures, and putting the result together."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

from loadtest.result import Generator, LoadResult, Samples, summarise
from loadtest.settings import LoadSettings
from lookout import paths
from lookout.errors import LookoutError

_POLL_S: Final = 0.2
_STOP_TIMEOUT_S: Final = 10.0


@dataclass
class Recording:
    """What the generator's file has said so far."""

    start_s: list[float] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    error: list[str | None] = field(default_factory=list)
    models: list[dict[str, str]] = field(default_factory=list)
    begin: dict[str, Any] | None = None
    end: dict[str, Any] | None = None

    def add(self, line: str) -> None:
        """Take one line of the samples file."""
        record = json.loads(line)
        if isinstance(record, list):
            _, start_s, latency_ms, error = record
            self.start_s.append(start_s)
            self.latency_ms.append(latency_ms)
            self.error.append(error)
        elif "model" in record:
            self.models.append(record["model"])
        elif "begin" in record:
            self.begin = record["begin"]
        elif "end" in record:
            self.end = record["end"]


def run_load(settings: LoadSettings, service: dict[str, str], progress: Callable[[Recording], None]) -> LoadResult:
    """Run the load to its end and return what was found; Ctrl-C ends it early with what there is.

    `progress` is called a few times a second. `service` is what the target said of itself. Raises LookoutError when
    the generator fails, and KeyboardInterrupt when it was interrupted before anything was measured.
    """
    log = paths.log_dir() / "load-generator.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    recording = Recording()
    interrupted = False
    with tempfile.TemporaryDirectory(prefix="lookout-load-") as directory:
        samples = Path(directory) / "samples.jsonl"
        samples.touch()
        plan = Path(directory) / "settings.json"
        plan.write_text(settings.model_dump_json())
        with log.open("w") as sink, samples.open() as source:
            process = _start(plan, samples, sink)
            try:
                for line in _follow(source, process):
                    if line is None:
                        progress(recording)
                    else:
                        recording.add(line)
            except KeyboardInterrupt:
                interrupted = True
                _stop(process)
                recording = Recording()
                for line in _complete_lines(source):
                    recording.add(line)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
    if recording.begin is None or recording.end is None:
        if interrupted and not recording.error:
            raise KeyboardInterrupt
        if not interrupted:
            raise LookoutError(f"the load generator ended with code {process.returncode}:\n{_tail(log)}", f"see {log}")
    return _result(settings, service, recording, interrupted)


def _start(plan: Path, samples: Path, log: TextIO) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process alone, which then tells the generator to finish in good order.
    return subprocess.Popen(
        [sys.executable, "-m", "loadtest.generator", plan, samples],
        cwd=paths.PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def _follow(source: TextIO, process: subprocess.Popen[bytes]) -> Iterator[str | None]:
    """Complete lines as they come, None after each look, until the process has ended and all is read."""
    rest = ""
    while True:
        ended = process.poll() is not None
        rest += source.read()
        *lines, rest = rest.split("\n")
        yield from lines
        yield None
        if ended:
            return
        time.sleep(_POLL_S)


def _complete_lines(source: TextIO) -> list[str]:
    """Every complete line of the file from its beginning on; the last one may be cut off."""
    source.seek(0)
    return source.read().split("\n")[:-1]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT_S)


def _result(settings: LoadSettings, service: dict[str, str], recording: Recording, interrupted: bool) -> LoadResult:
    begin = recording.begin or {}
    end = recording.end or {}
    last = max((s + ms / 1000 for s, ms in zip(recording.start_s, recording.latency_ms, strict=True)), default=0.0)
    return summarise(
        settings=settings,
        samples=Samples(
            start_s=tuple(recording.start_s), latency_ms=tuple(recording.latency_ms), error=tuple(recording.error)
        ),
        started=end.get("sent", len(recording.error)),
        started_at=datetime.fromtimestamp(begin.get("at", time.time()), UTC),
        duration_s=end.get("duration_s", last),
        interrupted=interrupted,
        models=tuple(recording.models),
        service=service,
        generator=Generator(
            cpu_cores=end.get("cpu_cores"),
            locust=begin.get("locust", "unknown"),
            photos=tuple(begin.get("photos", ())),
        ),
    )


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-8:]) or "    (it printed nothing)"
