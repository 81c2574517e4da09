"""`lookout detect` against a real service: batch and single answers are equal, files are written, errors are a line."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from client import DetectorClient
from client.result import Results
from lookout import paths
from service.model.photos import sample_photos
from service.schema import DetectResponse
from tests.loopback.service import running

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running() as (url, _):
        yield url


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("album")
    for name, photo in sample_photos().items():
        (folder / f"{name}.jpg").write_bytes(photo)
    return folder


def detect(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [str(paths.venv_bin("lookout")), "detect", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_batch_and_single_answers_are_equal(url: str) -> None:
    photos = list(sample_photos().values())
    with DetectorClient(url) as detector:
        together = detector.detect_batch(photos, threshold=0.2)
        alone = [detector.detect(photo, threshold=0.2) for photo in photos]
    for one, other in zip(together, alone, strict=True):
        assert isinstance(one, DetectResponse)
        assert one.model_dump(exclude={"timing_ms"}) == other.model_dump(exclude={"timing_ms"})
    assert sum(len(one.detections) for one in alone) >= len(photos)


def test_tells_people_what_is_on_each_photo(url: str, album: Path) -> None:
    done = detect(album, "--url", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "cat" in done.stdout.split("chelsea.jpg")[1].split("album")[0]
    assert done.stdout.count(" ms\n") == len(sample_photos())


def test_writes_json_and_annotated_photos(url: str, album: Path, tmp_path: Path) -> None:
    done = detect(album, "--url", url, "--json", "--out", tmp_path / "drawn", "--threshold", "0.3", "--limit", "2")
    report = Results.model_validate_json(done.stdout)
    assert (done.returncode, len(report.results)) == (0, len(sample_photos()))
    for one in report.results:
        assert one.result is not None
        assert one.annotated is not None
        assert len(one.result.detections) <= 2
        with Image.open(one.annotated) as drawn:
            assert drawn.size == (one.result.image.width, one.result.image.height)
            assert drawn.format == "JPEG"


def test_a_photo_that_cannot_be_read_fails_alone(url: str, album: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"GIF89a")
    done = detect(tmp_path / "bad.jpg", album / "chelsea.jpg", "--url", url, "--json")
    bad, good = json.loads(done.stdout)["results"]
    assert done.returncode == 1
    assert (bad["status"], good["result"]["detections"][0]["label"]) == (415, "cat")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("nowhere.jpg",), 64, "there is no nowhere.jpg"),
        (("--threshold", "2", "a.jpg"), 64, "threshold"),
        ((), 64, "Missing argument"),
    ],
)
def test_wrong_usage_is_told_in_a_line(words: tuple[str, ...], code: int, says: str) -> None:
    done = detect(*words)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_detector_it_says_how_to_start_one(album: Path) -> None:
    done = detect(album, "--url", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert "no detector answers" in done.stderr
    assert "make serve" in done.stderr


def test_ctrl_c_ends_it_at_once_and_leaves_no_half_written_file(album: Path, tmp_path: Path) -> None:
    asked = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.set()
            time.sleep(20)

    with ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [str(paths.venv_bin("lookout")), "detect", str(album), "--json", "--out", str(tmp_path / "drawn")]
        running = subprocess.Popen(
            [*command, "--url", f"http://127.0.0.1:{server.server_port}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert asked.wait(20)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=10)
        server.shutdown()
    assert (running.returncode, out, err.strip()) == (130, "", "interrupted")
    assert not (tmp_path / "drawn").exists()
