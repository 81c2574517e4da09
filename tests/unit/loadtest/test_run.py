"""Following a generator process: to its end, through an interruption, and when it fails."""

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TextIO

import pytest

from loadtest import run as run_module
from loadtest.arrivals import Constant
from loadtest.recording import Recording
from loadtest.run import run_load
from loadtest.settings import LoadSettings
from lookout.errors import LookoutError

BEGIN = '{"begin": {"at": 1767323045.0, "perf": 5.0, "locust": "2.47.0", "photos": ["chelsea"]}}'
COLUMNS = '"index": [1, 0], "intended_s": [0.5, 0.0], "lag_ms": [0.0, 1.0], "service_ms": [30.0, 20.0]'
SAMPLES = '{"samples": {' + COLUMNS + ', "error": ["timeout", null]}}\n{"model": {"name": "x"}}'
END = '{"end": {"duration_s": 1.0, "cpu_cores": [0.5], "halted": false, "real_time": true}}'
SETTINGS = LoadSettings(arrivals=Constant(rate=2), duration_s=1)


def _pretend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> list[subprocess.Popen[bytes]]:
    """Run `script` in the generator's place; it gets the samples file as SINK."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    started: list[subprocess.Popen[bytes]] = []

    def start(_settings: LoadSettings, samples: Path, log: TextIO) -> subprocess.Popen[bytes]:
        program = f"import sys, time\nSINK = open({str(samples)!r}, 'w')\n{textwrap.dedent(script)}"
        started.append(subprocess.Popen([sys.executable, "-c", program], stdout=log, stderr=log))
        return started[0]

    monkeypatch.setattr(run_module, "_start", start)
    return started


def _nothing(_: Recording) -> None:
    pass


def test_reads_to_the_end_what_the_generator_wrote(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _pretend(monkeypatch, tmp_path, f"print({BEGIN!r}, {SAMPLES!r}, {END!r}, sep='\\n', file=SINK)")
    result = run_load(SETTINGS, {"name": "x"}, _nothing)
    assert result.samples.latency_ms == (21.0, 30.0)
    assert result.samples.service_ms == (20.0, 30.0)
    assert result.errors_by_kind == {"timeout": 1}
    assert result.models == ({"name": "x"},)
    assert (result.duration_s, result.generator.cpu_cores, result.counts.unfinished) == (1.0, (0.5,), 0)
    assert result.generator.real_time is True
    assert result.started_at.isoformat() == "2026-01-02T03:04:05+00:00"
    assert not result.interrupted


def test_a_generator_that_fails_is_an_error_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _pretend(monkeypatch, tmp_path, f"print({BEGIN!r}, {SAMPLES!r}, sep='\\n', file=SINK)\nsys.exit('no photo today')")
    with pytest.raises(LookoutError, match=r"ended with code 1:\n +no photo today") as caught:
        run_load(SETTINGS, {}, _nothing)
    assert "load-generator.log" in (caught.value.remedy or "")


def test_an_interruption_keeps_each_sample_once_and_drops_half_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    half = '{"samples": {'
    script = f"print({BEGIN!r}, {SAMPLES!r}, {half!r}, sep='\\n', end='', file=SINK, flush=True)\ntime.sleep(60)"
    started = _pretend(monkeypatch, tmp_path, script)

    def interrupt(recording: Recording) -> None:
        if recording.error:
            raise KeyboardInterrupt

    result = run_load(SETTINGS, {}, interrupt)
    assert result.interrupted
    assert result.samples.latency_ms == (21.0, 30.0)
    assert result.duration_s == pytest.approx(0.53)
    assert result.generator.cpu_cores == ()
    assert started[0].poll() is not None


def test_an_interruption_before_anything_was_measured_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = _pretend(monkeypatch, tmp_path, "time.sleep(60)")

    def interrupt(_: Recording) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_load(SETTINGS, {}, interrupt)
    assert started[0].poll() is not None


def test_a_run_can_be_stopped_early_and_then_counts_only_what_was_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"""
        import signal
        def end(*_):
            print({END.replace("false", "true")!r}, file=SINK, flush=True)
            sys.exit()
        signal.signal(signal.SIGTERM, end)
        print({BEGIN!r}, {SAMPLES!r}, sep='\\n', file=SINK, flush=True)
        time.sleep(60)"""
    _pretend(monkeypatch, tmp_path, script)
    settings = LoadSettings(arrivals=Constant(rate=2), duration_s=60)
    result = run_load(settings, {}, _nothing, stop=lambda recording: len(recording.error) == 2)
    assert not result.interrupted
    assert result.counts.intended == 2


def test_a_start_of_which_the_generator_said_nothing_is_unfinished(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _pretend(monkeypatch, tmp_path, f"print({BEGIN!r}, {SAMPLES!r}, {END!r}, sep='\\n', file=SINK)")
    result = run_load(LoadSettings(arrivals=Constant(rate=4), duration_s=1), {}, _nothing)
    assert (result.counts.intended, result.counts.unfinished) == (4, 2)
