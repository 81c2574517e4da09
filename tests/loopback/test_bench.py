"""The bench's client and its servers: what it measures is right, and nothing that it started stays."""

import subprocess
import sys
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from loadtest.photos.prepared import load_photos
from loadtest.reference.process import reference_server
from lookout.errors import LookoutError
from tests.bench import processes
from tests.bench.ceiling import Ceiling, styles
from tests.bench.client import measure, saturate
from tests.bench.contestants import Server
from tests.bench.record import Layout
from tests.bench.running import running

pytestmark = pytest.mark.loopback

PHOTO = load_photos()[0].data
_MARK = "LOOKOUT_TEST_BENCH"
"""In the environment of what a test starts, to know it by."""
ONE = Layout(processes=1, threads=1)
WITH_A_CHILD = """
import http.server, subprocess, sys
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_): pass
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
subprocess.Popen([sys.executable, "-c", stubborn], start_new_session=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


@pytest.fixture(autouse=True)
def _no_long_farewell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stub's child ends by no request: how long it is asked is not what these tests are about."""
    monkeypatch.setattr(processes, "_ENDS_WITHIN_S", 0.3)


def test_the_closed_loop_measures_a_known_latency() -> None:
    with reference_server("constant:50ms") as server:
        found = measure([saturate(server.url, [PHOTO], connections=4, seconds=1.5, warm_s=0.2)])
    assert found.errors == 0
    assert found.p50_ms == pytest.approx(50, abs=15)
    assert found.per_s == pytest.approx(4 / (found.p50_ms / 1000), rel=0.15)


def test_the_closed_loop_keeps_its_connections() -> None:
    opened: list[object] = []

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            opened.append(self.client_address)
            super().setup()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        found = measure([saturate(url, [PHOTO], connections=3, seconds=0.3, warm_s=0.0)])
        server.shutdown()
        thread.join()
    assert found.errors == 0
    assert found.requests > 6
    assert len(opened) == 3


def test_photos_that_are_larger_than_any_buffer_are_sent_whole_side_by_side() -> None:
    with reference_server("constant:5ms") as server:
        found = measure([saturate(server.url, [bytes(3_000_000)], connections=4, seconds=0.8, warm_s=0.0)])
    assert found.errors == 0
    assert found.requests >= 4


def test_a_server_that_is_not_there_is_all_errors_and_no_speed() -> None:
    found = measure([saturate("http://127.0.0.1:9", [PHOTO], connections=2, seconds=0.3, warm_s=0.0)])
    assert found.per_s == 0
    assert found.errors > 0


def test_a_server_waits_stopped_for_its_turn_and_leaves_no_process(tmp_path: Path) -> None:
    with running(_server(WITH_A_CHILD, tmp_path), ONE, PHOTO, tmp_path, lambda _: None) as started:
        assert _states(tmp_path) == {psutil.STATUS_STOPPED}
        assert started.memory().processes == 2
        assert measure([started.measure([PHOTO], 2, 0.3, 0.0)]).per_s > 0
        assert _states(tmp_path) == {psutil.STATUS_STOPPED}
    assert _states(tmp_path) == set()


def test_an_interrupt_leaves_no_process_either(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        running(_server(WITH_A_CHILD, tmp_path), ONE, PHOTO, tmp_path, lambda _: None),
    ):
        raise KeyboardInterrupt
    assert _states(tmp_path) == set()


def test_a_server_that_ends_at_once_is_told_of_with_its_last_words(tmp_path: Path) -> None:
    broken = _server("raise SystemExit('no such model')", tmp_path)
    with pytest.raises(LookoutError, match="no such model"), running(broken, ONE, PHOTO, tmp_path, lambda _: None):
        pass


def test_without_a_server_each_photo_goes_to_the_first_free_process(tmp_path: Path) -> None:
    loop = "import sys, time\nfor line in sys.stdin: time.sleep(0.3); print(time.perf_counter(), flush=True)"
    command = [sys.executable, "-c", loop]
    with ExitStack() as started:
        loops = [
            started.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(2)
        ]
        seen = Ceiling(styles()[0], loops).answer(tmp_path, [1.0, 1.0, 1.0, 1.9])  # a second to start in
        for one in loops:
            one.kill()
    *others, waited = sorted(one.ended_s - one.started_s for one in seen.samples)
    assert waited >= 0.6
    assert 0.3 <= min(others) <= max(others) < 0.6


def _server(code: str, mark: Path) -> Server:
    return Server(
        "other",
        "a stub",
        (ONE,),
        lambda port, _: [sys.executable, "-c", code, str(port)],
        lambda _port, _: {_MARK: str(mark)},
    )


def _states(mark: Path) -> set[str]:
    """Of every process that the stub server and its child are."""
    with_mark = [
        one for one in psutil.process_iter(["status", "environ"]) if (one.info["environ"] or {}).get(_MARK) == str(mark)
    ]
    return {one.info["status"] for one in with_mark}
