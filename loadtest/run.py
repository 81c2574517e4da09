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
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from loadtest import machine
from loadtest.gate.judge import judge
from loadtest.observation.observe import observing
from loadtest.recording import Recording
from loadtest.result import LoadResult
from loadtest.settings import LoadSettings
from loadtest.summary import summarise
from lookout import paths
from lookout.errors import LookoutError

_POLL_S: Final = 0.2
_STOP_TIMEOUT_S: Final = 10.0


def run_load(
    settings: LoadSettings,
    service: dict[str, str],
    progress: Callable[[Recording], None],
    stop: Callable[[Recording], bool] | None = None,
) -> LoadResult:
    """Run the load to its end and return what was found; Ctrl-C ends it early with what there is.

    `progress` is called a few times a second. `service` is what the target said of itself. `stop` is asked as often,
    and ends the run early when it says yes. Raises LookoutError when the generator fails, and KeyboardInterrupt when it
    was interrupted before anything was measured.
    """
    log = paths.log_dir() / "load-generator.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    recording = Recording()
    interrupted = stopped = False
    with tempfile.TemporaryDirectory(prefix="lookout-load-") as directory:
        samples = Path(directory) / "samples.jsonl"
        samples.touch()
        with log.open("w") as sink, samples.open() as source, observing(settings.url) as observer:
            process = _start(settings, samples, sink)
            try:
                for line in _follow(source, process):
                    if line is not None:
                        recording.add(line)
                        continue
                    progress(recording)
                    if stop is not None and not stopped and recording.begin and stop(recording):
                        stopped = True
                        process.send_signal(signal.SIGTERM)
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
                with suppress(ProcessLookupError):  # the usual case: it left no worker behind
                    os.killpg(process.pid, signal.SIGKILL)
    if not recording.begin or not recording.end:
        if interrupted and not recording.error:
            raise KeyboardInterrupt
        if not interrupted:
            raise LookoutError(f"the load generator ended with code {process.returncode}:\n{_tail(log)}", f"see {log}")
    result = _result(settings, service, recording, interrupted)
    seen = observer.observations(recording.begin.get("perf", 0.0), result.duration_s)
    result = result.model_copy(update={"observations": seen})
    return result.model_copy(update={"verdict": judge(result, settings.slo)}) if settings.slo else result


def _start(settings: LoadSettings, samples: Path, log: TextIO) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process alone, which then tells the generator to finish in good order.
    process = subprocess.Popen(
        [sys.executable, "-m", "loadtest.generator", samples],
        cwd=paths.PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdin is not None  # noqa: S101  # a pipe was asked for
    with suppress(BrokenPipeError), process.stdin as plan:
        plan.write(json.dumps(settings.revealed()).encode())
    return process


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
    begin, end = recording.begin, recording.end
    duration_s = end.get("duration_s", recording.last_s)
    lost = end.get("workers_lost", 0)
    schedule: list[float] = []
    if settings.arrivals.kind != "closed" and (lost or not end.get("halted", True)):
        times = settings.arrivals.times(settings.duration_s, settings.seed)
        schedule = times[times < duration_s].tolist()
    return summarise(
        settings=settings,
        samples=recording.samples(schedule, lost > 0),
        started_at=datetime.fromtimestamp(begin.get("at", time.time()), UTC),
        duration_s=duration_s,
        interrupted=interrupted,
        models=recording.models,
        service=service,
        locust=begin.get("locust", "unknown"),
        photos=begin.get("photos", ()),
        cpu_cores=end.get("cpu_cores", ()),
        workers_lost=lost,
        clock_jumps=end.get("clock_jumps", 0),
        real_time=end.get("real_time"),
        machine=machine.description() + (", directing workers of other machines" if settings.master else ""),
    )


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-8:]) or "    (it printed nothing)"
