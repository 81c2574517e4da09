"""`lookout load run` against a stub detector of known behaviour, through the real command line and real Locust."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from loadtest.arrivals import Poisson
from loadtest.target import ask_service
from lookout.errors import LookoutError
from lookout.paths import PROJECT_ROOT
from tests.loopback.stub import Reply, correct, serving

pytestmark = pytest.mark.loopback


class Run:
    """One call of the command line with outputs of its own."""

    def __init__(self, directory: Path) -> None:
        self.json = directory / "out.json"
        self.html = directory / "out.html"
        homes = {"XDG_STATE_HOME": str(directory / "state"), "XDG_CACHE_HOME": str(directory), "TMPDIR": str(directory)}
        self.environment = {**os.environ, **homes}

    def start(self, url: str, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "lookout.cli", "load", "run", "--url", url, "--expect", "lookout"]
        outputs = ["--json", str(self.json), "--html", str(self.html)]
        return subprocess.Popen(
            [*command, *outputs, *options],
            cwd=PROJECT_ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def __call__(self, url: str, *options: str) -> tuple[int, str]:
        process = self.start(url, *(options or ("--rate", "40", "--duration", "1s")))
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def result(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.json.read_text())
        return content


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_a_right_server_passes_and_every_request_it_saw_is_counted(run: Run) -> None:
    with serving(correct, latency_s=0.05) as stub:
        code, output = run(stub.url, "--rate", "40", "--duration", "3s", "--seed", "7")
    assert code == 0, output
    result = run.result()
    asked = stub.asked
    assert result["counts"] == {"intended": asked, "ok": asked, "errors": 0, "unfinished": 0, "dropped": 0}
    assert asked == len(Poisson(rate=40).times(3, 7))
    assert result["latency_ms"]["min"] >= 50
    assert result["service_ms"]["p50"] < 100
    assert result["models"] == [{"name": "stub", "version": "1", "runtime": "none"}]
    assert result["service"]["bento"] == "detector:stub"
    assert result["settings"]["seed"] == 7
    assert set(result["generator"]["photos"]) == {"chelsea", "coffee", "motorcycle"}
    assert 0 < result["generator"]["cpu_cores"][0] < 1
    assert result["loop"] == "open"
    assert "All" in run.html.read_text()


def test_ctrl_c_ends_with_130_a_partial_report_and_no_process_left(run: Run) -> None:
    with serving(correct) as stub:
        process = run.start(stub.url, "--rate", "50", "--duration", "1h")
        while stub.asked < 20:
            assert process.poll() is None
            time.sleep(0.02)
        (generator,) = _children(process.pid)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    result = run.result()
    assert result["interrupted"]
    assert result["counts"]["ok"] >= 20
    assert result["counts"]["errors"] == 0
    assert result["counts"]["intended"] == stub.asked
    assert 0 < result["duration_s"] < 60
    assert "a partial run" in run.html.read_text()
    assert not Path(f"/proc/{generator}").exists()


def test_the_generator_ends_when_its_caller_is_killed(run: Run) -> None:
    with serving(correct) as stub:
        process = run.start(stub.url, "--rate", "20", "--duration", "1h")
        while stub.asked < 5:
            assert process.poll() is None
            time.sleep(0.02)
        (generator,) = _children(process.pid)
        process.kill()
        process.communicate()
        deadline = time.monotonic() + 15
        while _runs(generator) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _runs(generator)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Reply(b"{}", 404), "answered with status 404"),
        (Reply(b"<html>", 200, "text/html"), "is not Lookout's detector"),
        (Reply(b'{"name": "other"}'), "is not Lookout's detector"),
    ],
)
def test_another_server_is_told_from_the_detector(model: Reply, message: str) -> None:
    with serving(correct, model=model) as stub, pytest.raises(LookoutError, match=message):
        ask_service(stub.url)


def test_another_server_gets_no_load(run: Run) -> None:
    with serving(correct, model=Reply(b'{"name": "other"}')) as stub:
        code, output = run(stub.url)
        assert stub.asked == 0
    assert code == 1
    assert "let any server answer with: --expect any" in output
    assert not run.json.exists()


def test_nobody_there_is_one_line_and_a_remedy(run: Run) -> None:
    with serving(correct) as stub:
        pass
    code, output = run(stub.url)
    assert code == 1
    assert "nothing answers at" in output
    assert "make up" in output
    assert "Traceback" not in output


def test_a_certificate_nobody_trusts_is_refused_and_a_trusted_one_works(run: Run, tmp_path: Path) -> None:
    certificate, context = _certificate(tmp_path)
    with serving(correct, tls=context) as stub:
        with pytest.raises(LookoutError, match="CERTIFICATE_VERIFY_FAILED") as refused:
            ask_service(stub.url)
        assert "a certificate this machine trusts" in (refused.value.remedy or "")
        run.environment["SSL_CERT_FILE"] = str(certificate)
        code, output = run(stub.url)
    assert code == 0, output
    assert run.result()["counts"]["ok"] == stub.asked > 0


def test_headers_are_sent_and_appear_in_no_file(run: Run, tmp_path: Path) -> None:
    with serving(correct) as stub:
        header = "Authorization: Bearer hunter2"
        code, output = run(stub.url, "--rate", "20", "--duration", "1s", "--header", header)
    assert code == 0, output
    assert {headers["Authorization"] for headers in stub.headers} == {"Bearer hunter2"}
    assert run.result()["settings"]["headers"] == {"Authorization": "**********"}
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert run.json in written
    assert not [path for path in written if b"hunter2" in path.read_bytes()]
    assert "hunter2" not in output


def test_a_verdict_decides_the_exit_code_and_what_it_takes_is_said_before(run: Run) -> None:
    with serving(correct) as stub:
        code, output = run(stub.url, "--rate", "60", "--duration", "2s", "--slo", "p99<=1ms")
    assert "TOO SHORT" in output
    assert (code, run.result()["verdict"]["outcome"]) in ((1, "fail"), (3, "generator invalid")), output
    assert f"Verdict: {run.result()['verdict']['outcome'].upper()}" in output


def test_an_impossible_promise_is_refused_before_anything_is_sent(run: Run) -> None:
    with serving(correct) as stub:
        code, output = run(stub.url, "--slo", "errors<=0%")
    assert code == 64
    assert "errors" in output
    assert stub.asked == 0


@pytest.mark.parametrize("options", [["--web", "{}"], ["--master", "127.0.0.1:{}", "--expect-workers", "2"]])
def test_a_port_that_is_taken_is_refused_before_anything_is_sent(run: Run, options: list[str]) -> None:
    with serving(correct) as stub:
        port = stub.url.rpartition(":")[2]
        code, output = run(stub.url, *(option.format(port) for option in options))
    assert code == 64, output
    assert f"cannot listen on 127.0.0.1:{port}" in " ".join(output.split())
    assert stub.asked == 0


def test_plain_locust_keeps_the_same_schedule() -> None:
    with serving(correct) as stub:
        words = ["-f", "loadtest/locustfile.py", "--headless", "--host", stub.url, "--json"]
        command = [str(Path(sys.executable).with_name("locust")), *words, "--rate", "30", "--run-time", "3s"]
        done = subprocess.run(command, cwd=PROJECT_ROOT, text=True, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    (total,) = json.loads(done.stdout)
    assert total["num_failures"] == 0
    # Locust counts its three seconds from before the plan is made, and does not wait for what is in flight.
    assert 10 < total["num_requests"] <= stub.asked <= len(Poisson(rate=30).times(3, 1))


def _certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that signs itself, and a server's context with it."""
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    name = ["-subj", "/CN=stub", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *name, *files]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
