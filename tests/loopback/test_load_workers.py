"""`lookout load run` with several senders: shares, workers lost or from elsewhere, and Locust's page."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from lookout.paths import PROJECT_ROOT
from tests.loopback.stub import Stub, correct, serving

pytestmark = pytest.mark.loopback


class Run:
    """One call of the command line that goes on while the test acts."""

    def __init__(self, directory: Path, url: str, *options: str) -> None:
        self.json = directory / "out.json"
        self.environment = {**os.environ, "XDG_STATE_HOME": str(directory / "state")}
        outputs = ["--json", str(self.json), "--html", str(directory / "out.html")]
        self.process = self.call("run", "--url", url, "--expect", "lookout", *outputs, *options)

    def call(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "lookout.cli", "load", *words],
            cwd=PROJECT_ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def end(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=90)
        return self.process.returncode, output

    def result(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.json.read_text())
        return content


def test_two_processes_send_one_schedule_between_them(tmp_path: Path) -> None:
    with serving(correct) as stub:
        run = Run(tmp_path, stub.url, "--rate", "40", "--duration", "3s", "--seed", "7", "--processes", "2")
        code, output = run.end()
    assert code == 0, output
    result = run.result()
    assert result["counts"]["ok"] == result["counts"]["intended"] == stub.asked
    assert len(result["generator"]["cpu_cores"]) == 2
    assert result["samples"]["intended_s"] == sorted(result["samples"]["intended_s"])
    assert result["generator"]["workers_lost"] == 0
    assert result["generator"]["real_time"] is go_first_is_allowed()


def test_a_worker_that_vanishes_makes_the_run_invalid_and_does_not_hang_it(tmp_path: Path) -> None:
    with serving(correct) as stub:
        options = ["--rate", "40", "--duration", "4s", "--processes", "2", "--slo", "p99<=5s"]
        run = Run(tmp_path, stub.url, *options)
        _wait_for(stub, 20)
        (generator,) = _children(run.process.pid)
        os.kill(_children(generator)[0], signal.SIGKILL)
        code, output = run.end()
    assert code == 3, output
    result = run.result()
    assert result["generator"]["workers_lost"] == 1
    assert result["verdict"]["outcome"] == "generator invalid"
    assert set(result["samples"]["error"]) == {None, "dropped: its worker was lost"}
    assert not Path(f"/proc/{generator}").exists()


def test_a_director_that_is_killed_leaves_no_worker_behind(tmp_path: Path) -> None:
    with serving(correct) as stub:
        run = Run(tmp_path, stub.url, "--rate", "40", "--duration", "1h", "--processes", "2")
        _wait_for(stub, 5)
        (generator,) = _children(run.process.pid)
        workers = _children(generator)
        os.kill(generator, signal.SIGKILL)
        code, output = run.end()
    assert code == 1, output
    assert "the load generator ended with code -9" in output
    assert len(workers) == 2
    assert not [worker for worker in workers if _runs(worker)]


def test_workers_join_from_elsewhere_one_more_than_asked_for_and_end_with_the_run(tmp_path: Path) -> None:
    port = _free_port()
    with serving(correct) as stub:
        options = ["--rate", "40", "--duration", "3s", "--master", f"127.0.0.1:{port}", "--expect-workers", "2"]
        run = Run(tmp_path, stub.url, *options)
        workers = [run.call("worker", "--master", f"127.0.0.1:{port}") for _ in range(3)]
        code, output = run.end()
        said = [worker.communicate(timeout=30)[0] for worker in workers]
    assert code == 0, output
    assert [worker.returncode for worker in workers] == [0, 0, 0], said
    assert run.result()["counts"]["ok"] == stub.asked > 40


def test_locusts_page_shows_the_run_while_it_lasts(tmp_path: Path) -> None:
    port = _free_port()
    with serving(correct) as stub:
        run = Run(tmp_path, stub.url, "--rate", "40", "--duration", "1h", "--web", str(port))
        _wait_for(stub, 40)
        deadline = time.monotonic() + 20
        seen = 0
        while seen < 40 and time.monotonic() < deadline:
            seen = _statistics(port)
        run.process.send_signal(signal.SIGINT)
        code, output = run.end()
    assert code == 130, output
    assert 40 <= seen <= stub.asked
    with pytest.raises(OSError, match="refused"):
        _statistics(port)


def go_first_is_allowed() -> bool:
    """Asked of a process of its own: this one keeps its priority."""
    code = "from loadtest.generator.priority import go_first; print(go_first())"
    return (
        subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, check=True).stdout
        == b"True\n"
    )


def _statistics(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats/requests", timeout=10) as response:
        total: int = json.load(response)["stats"][-1]["num_requests"]
        return total


def _wait_for(stub: Stub, asked: int) -> None:
    deadline = time.monotonic() + 60
    while stub.asked < asked:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number
