"""Following a generator process: to its end, through an interruption, and when it fails."""

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TextIO

import pytest

from loadtest import run as run_module
from loadtest.run import Recording, run_load
from loadtest.settings import LoadSettings
from lookout.errors import LookoutError

BEGIN = '{"begin": {"at": 1767323045.0, "locust": "2.47.0", "photos": ["chelsea"]}}'
SAMPLES = '["sample", 0.0, 20.0, null]\n["sample", 0.5, 30.0, "timeout"]\n{"model": {"name": "x"}}'
END = '{"end": {"duration_s": 1.0, "cpu_cores": 0.5, "sent": 2}}'


def _pretend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> list[subprocess.Popen[bytes]]:
    """Run `script` in the generator's place; it gets the samples file as SINK."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    started: list[subprocess.Popen[bytes]] = []

    def start(_plan: Path, samples: Path, log: TextIO) -> subprocess.Popen[bytes]:
        program = f"import sys, time\nSINK = open({str(samples)!r}, 'w')\n{textwrap.dedent(script)}"
        started.append(subprocess.Popen([sys.executable, "-c", program], stdout=log, stderr=log))
        return started[0]

    monkeypatch.setattr(run_module, "_start", start)
    return started


def _nothing(_: Recording) -> None:
    pass


def test_reads_to_the_end_what_the_generator_wrote(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _pretend(monkeypatch, tmp_path, f"print({BEGIN!r}, {SAMPLES!r}, {END!r}, sep='\\n', file=SINK)")
    result = run_load(LoadSettings(), {"name": "x"}, _nothing)
    assert result.samples.latency_ms == (20.0, 30.0)
    assert result.errors_by_kind == {"timeout": 1}
    assert result.models == ({"name": "x"},)
    assert (result.duration_s, result.generator.cpu_cores, result.counts.unfinished) == (1.0, 0.5, 0)
    assert result.started_at.isoformat() == "2026-01-02T03:04:05+00:00"
    assert not result.interrupted


def test_a_generator_that_fails_is_an_error_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _pretend(monkeypatch, tmp_path, f"print({BEGIN!r}, {SAMPLES!r}, sep='\\n', file=SINK)\nsys.exit('no photo today')")
    with pytest.raises(LookoutError, match=r"ended with code 1:\n +no photo today") as caught:
        run_load(LoadSettings(), {}, _nothing)
    assert "load-generator.log" in (caught.value.remedy or "")


def test_an_interruption_keeps_each_sample_once_and_drops_half_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = (
        f"print({BEGIN!r}, {SAMPLES!r}, '[\"sample\", 0.', sep='\\n', end='', file=SINK, flush=True)\ntime.sleep(60)"
    )
    started = _pretend(monkeypatch, tmp_path, script)

    def interrupt(recording: Recording) -> None:
        if recording.error:
            raise KeyboardInterrupt

    result = run_load(LoadSettings(), {}, interrupt)
    assert result.interrupted
    assert result.samples.latency_ms == (20.0, 30.0)
    assert result.duration_s == pytest.approx(0.53)
    assert result.generator.cpu_cores is None
    assert started[0].poll() is not None


def test_an_interruption_before_anything_was_measured_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = _pretend(monkeypatch, tmp_path, "time.sleep(60)")

    def interrupt(_: Recording) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_load(LoadSettings(), {}, interrupt)
    assert started[0].poll() is not None
