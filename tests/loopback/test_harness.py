"""The harness itself: what `lookout load run` says of a server whose latency is known, and of itself when it is late.

Errors allowed, beside the server's own clock: the median 5 ms, p99 20 ms, p99.9 50 ms. A quiet machine has a few
milliseconds; the rest is for two busy cores, and far below what these tests tell apart. Where the machine does other
work as well, it delays answers as it delays the generator's starts: what the run itself reports as lag is added.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from loadtest.ceiling.measure import attempt
from loadtest.gate.evidence import load_evidence
from loadtest.gate.verdict import EXIT_CODES
from loadtest.reference.latency import parse_hold
from loadtest.reference.process import Reference, reference_server
from loadtest.result import LoadResult, load_result
from lookout.paths import PROJECT_ROOT

pytestmark = pytest.mark.loopback

_, FAIL, _, INVALID = EXIT_CODES.values()
ERROR_MS = {"p50": 5.0, "p99": 20.0, "p99.9": 50.0}

SERVER_ERROR_MS = 100.0
"""How far the server itself may be from what it was told, on a machine so busy; it says how far it was."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}


def start(environment: dict[str, str], directory: Path, url: str, *options: str) -> subprocess.Popen[str]:
    outputs = ["--json", str(directory / "out.json"), "--html", str(directory / "out.html")]
    command = [sys.executable, "-m", "lookout.cli", "load", "run", "--url", url, "--expect", "lookout", *outputs]
    return subprocess.Popen(
        [*command, *options],
        cwd=PROJECT_ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def measured(
    environment: dict[str, str], directory: Path, latency: str, *options: str, seed: int = 1
) -> tuple[LoadResult, Reference]:
    """A run against a server of known latency, whatever its verdict."""
    with reference_server(latency, seed) as reference:
        process = start(environment, directory, reference.url, *options)
        result = finish(process, directory, *EXIT_CODES.values())
    return result, reference


def finish(process: subprocess.Popen[str], directory: Path, *codes: int) -> LoadResult:
    output, _ = process.communicate(timeout=120)
    assert process.returncode in codes, output
    return load_result(directory / "out.json")


def agrees(result: LoadResult, reference: Reference, known: dict[str, float]) -> None:
    """Each percentile is the known one, and the server's own, within the stated error and never below it."""
    service, generator = result.service_ms, result.generator
    assert service is not None
    assert generator.lag_p99_ms is not None
    assert generator.lag_max_ms is not None
    lag = {"p50": generator.lag_p99_ms, "p99": generator.lag_p99_ms, "p99.9": generator.lag_max_ms}
    for name, ms in {"p50": service.p50, "p99": service.p99, "p99.9": service.p99_9}.items():
        assert ms is not None, f"{name} takes more requests"
        held = reference.report[name]
        assert known[name] <= held <= known[name] + SERVER_ERROR_MS, (name, reference.report)
        assert held <= ms <= held + ERROR_MS[name] + lag[name], (name, ms, reference.report)


def test_a_constant_latency_comes_back_as_it_is(tmp_path: Path, environment: dict[str, str]) -> None:
    options = ("--rate", "400", "--duration", "3s", "--arrivals", "constant")
    result, reference = measured(environment, tmp_path, "constant:20ms", *options)
    assert result.counts.intended == result.counts.ok == reference.report["requests"] == 1_200
    assert result.throughput_per_s == pytest.approx(400, rel=0.05)
    agrees(result, reference, {"p50": 20.0, "p99": 20.0, "p99.9": 20.0})


def test_two_known_latencies_come_back_with_their_shares_and_the_goodput_that_follows(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    known, slo = "bimodal:10ms:250ms:2%", "p99<=100ms,goodput>=90%"
    options = ("--rate", "500", "--duration", "3s", "--seed", "3", "--slo", slo)
    evidence_path = tmp_path / "evidence.json"
    result, reference = measured(environment, tmp_path, known, *options, "--evidence", str(evidence_path), seed=5)
    count = result.counts.ok
    assert count == result.counts.intended == reference.report["requests"] >= 1_300
    hold = parse_hold(known, seed=5)
    slow = sum(hold(0.0) > 0.1 for _ in range(count))
    assert result.verdict is not None
    p99, goodput = result.verdict.terms
    # The very requests that were held back, and at most one in two hundred, and as many as were late anyway, beside.
    delayed = count * (0.005 + result.generator.late_ratio)
    assert slow <= p99.violations == goodput.violations <= slow + delayed
    assert p99.outcome != "pass"
    assert goodput.violations >= goodput.trials * 0.1 or goodput.outcome == "pass"
    agrees(result, reference, {"p50": 10.0, "p99": 250.0, "p99.9": 250.0})
    evidence = load_evidence(evidence_path)
    assert evidence.verdict == result.verdict
    assert evidence.counts == result.counts
    assert evidence.subject.models == ({"name": "reference", "runtime": "none", "version": "1"},)


def test_a_stall_of_one_second_in_ten_shows_in_our_p99_and_not_in_closed_loop_locusts(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    stalls = "stalls:20ms:1s:10s:5s"
    with reference_server(stalls) as ours, reference_server(stalls) as theirs:
        options = ("--rate", "100", "--duration", "10s", "--slo", "p99<=100ms")
        process = start(environment, tmp_path, ours.url, *options)
        locust = subprocess.run(
            [sys.executable, "-m", "locust", "-f", "tests/loopback/closed_loop/locustfile.py", "--headless", "--json",
             "--host", theirs.url, "--users", "2", "--spawn-rate", "2", "--run-time", "10s"],
            cwd=PROJECT_ROOT, env=environment, text=True, capture_output=True, check=True, timeout=120,
        )  # fmt: skip
        result = finish(process, tmp_path, FAIL, INVALID)
    closed = _locust_percentiles(locust.stdout)
    # Both met the stall.
    assert closed["max"] >= 900
    assert ours.report["p99"] >= 800
    # A tenth of the intended starts fell into it, evenly over the second: p99 is its last tenth.
    assert result.latency_ms is not None
    assert result.latency_ms.p99 is not None
    assert 800 <= result.latency_ms.p99 <= 1_020 + ERROR_MS["p99.9"]
    assert result.latency_ms.p50 is not None
    assert 20 <= result.latency_ms.p50 <= 20 + 2 * ERROR_MS["p50"]
    assert result.verdict is not None
    assert 70 <= result.verdict.terms[0].violations <= 120
    # Two waiting users lost two requests to it, among hundreds: their p99 says that all is well.
    assert closed["count"] >= 300
    assert 1.5 * closed["p99"] < result.latency_ms.p99


def test_a_generator_that_is_held_up_reports_its_own_lag_and_the_run_is_invalid(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    held_s = 0.5
    with reference_server("constant:5ms") as reference:
        options = ("--rate", "200", "--duration", "4s", "--arrivals", "constant", "--slo", "p99<=100ms")
        process = start(environment, tmp_path, reference.url, *options)
        generator = _generator_of(process)
        os.kill(generator, signal.SIGSTOP)
        time.sleep(held_s)
        os.kill(generator, signal.SIGCONT)
        result = finish(process, tmp_path, INVALID)
    assert result.generator.lag_max_ms is not None
    assert held_s * 1000 * 0.9 <= result.generator.lag_max_ms <= held_s * 1000 + 150
    # Starts came due all through it, so their lags are spread evenly: every second one had half of it or more.
    half = sum(ms is not None and ms > held_s * 500 for ms in result.samples.lag_ms)
    assert 0.8 * held_s * 100 <= half <= held_s * 100 + 40
    # Its lag counts as latency: whoever waited did wait, and the reasons say whose fault it was.
    assert result.latency_ms is not None
    assert result.latency_ms.max >= held_s * 1000 * 0.9
    assert result.verdict is not None
    assert "more than 5 ms late" in result.verdict.reasons[0]


def test_the_ceiling_is_looked_for_with_the_real_generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    run = attempt(rate_per_s=100, step_s=1, seed=1, expect="lookout")
    assert 60 <= run.starts <= 140
    assert run.lost == 0
    assert 0 < run.cpu_cores < 1
    # The server is not what it measures.
    assert run.server_p99_ms is None or run.server_p99_ms < 20


def _generator_of(process: subprocess.Popen[str]) -> int:
    """Process id of the generator, once the first of its answers stand in the file it writes."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            words = _text(Path(f"/proc/{child}/cmdline")).split("\0")
            if "loadtest.generator" in words and '"samples"' in _text(Path(words[-2])):
                return int(child)
        time.sleep(0.02)
    raise AssertionError("the generator did not start sending")


def _text(path: Path) -> str:
    """Empty where there is no such file, or no longer: a process may have ended since it was listed."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _locust_percentiles(output: str) -> dict[str, Any]:
    """Count, p99 and maximum in milliseconds from the histogram that Locust prints as JSON."""
    (entry,) = json.loads(output[output.index("[") :])
    assert entry["num_failures"] == 0
    counts = sorted((float(ms), count) for ms, count in entry["response_times"].items())
    below, total = 0, sum(count for _, count in counts)
    for ms, count in counts:
        below += count
        if below >= 0.99 * total:
            return {"count": total, "p99": ms, "max": entry["max_response_time"]}
    raise AssertionError(output)
