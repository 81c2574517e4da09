"""The command's token, read from a file and never shown; and what it tells, whatever photos are called."""

import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from client import batches, command, detector
from client.result import Results
from tests.unit.client.test_client import an_answer
from tests.unit.command import ended


def offline(monkeypatch: pytest.MonkeyPatch, serve: Callable[[httpx.Request], httpx.Response]) -> None:
    """Let the command ask `serve` and nobody else."""

    class Offline(detector.DetectorClient):
        def __init__(self, url: str, token: str | None) -> None:
            super().__init__(url, token, transport=httpx.MockTransport(serve))

    monkeypatch.setattr(command, "DetectorClient", Offline)


@pytest.mark.parametrize("way", ["option", "environment"])
def test_the_token_goes_with_every_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    (tmp_path / "token").write_text("0123456789abcdef\n")
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    seen: list[str | None] = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(500)

    offline(monkeypatch, serve)
    words = ["detect", str(tmp_path / "photo.jpg")]
    if way == "option":
        words += ["--token-file", str(tmp_path / "token")]
    else:
        monkeypatch.setenv("LOOKOUT_TOKEN_FILE", str(tmp_path / "token"))
    assert ended(*words) == 1
    assert seen == ["Bearer 0123456789abcdef"]


def answer(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=an_answer().model_dump_json())


ODD = (b"not-utf8-\xff.jpg", b"two\nlines.jpg", b"\x1b[31mred.jpg", b"[bold].jpg")


@pytest.mark.parametrize("name", ODD)
def test_any_file_name_can_be_told_on_one_line_and_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: bytes
) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"photo")
    offline(monkeypatch, answer)
    assert ended("detect", str(path)) == 0
    told = capfd.readouterr().out
    assert told.splitlines()[0].endswith(".jpg  10x10  0 ms")
    assert "\x1b" not in told
    assert ended("detect", str(path), "--json") == 0
    (result,) = Results.model_validate_json(capfd.readouterr().out).results
    assert Path(result.photo).name.encode() == name.replace(b"\xff", b"\\udcff")


def test_what_is_known_is_printed_although_the_detector_goes_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batches, "BATCH_PHOTOS", 1)
    for name in "ab":
        (tmp_path / f"{name}.jpg").write_bytes(name.encode())
    offline(monkeypatch, lambda request: answer(request) if request.content == b"a" else httpx.Response(502))
    assert ended("detect", str(tmp_path), "--json") == 1
    told = capfd.readouterr()
    assert [Path(one.photo).name for one in Results.model_validate_json(told.out).results] == ["a.jpg"]
    assert "status 502" in told.err
