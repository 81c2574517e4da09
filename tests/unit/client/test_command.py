"""The command's token: read from a file, refused in words when the file holds none, and never shown."""

from pathlib import Path

import httpx
import pytest

from client import command, detector
from lookout.cli import main
from lookout.errors import UsageError


@pytest.mark.parametrize("content", ["", "\n", "two words", "é" * 20])
def test_a_file_that_holds_no_token_is_a_usage_error_that_does_not_repeat_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    with pytest.raises(UsageError, match="holds no token") as refused:
        command._token(tmp_path / "token")
    assert not content.strip() or content not in str(refused.value)
    with pytest.raises(UsageError, match="cannot be read"):
        command._token(tmp_path / "nowhere")


@pytest.mark.parametrize("way", ["option", "environment"])
def test_the_token_goes_with_every_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    (tmp_path / "token").write_text("0123456789abcdef\n")
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    seen: list[str | None] = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(500)

    class Offline(detector.DetectorClient):
        def __init__(self, url: str, token: str | None) -> None:
            super().__init__(url, token, transport=httpx.MockTransport(serve))

    monkeypatch.setattr(command, "DetectorClient", Offline)
    words = ["detect", str(tmp_path / "photo.jpg")]
    if way == "option":
        words += ["--token-file", str(tmp_path / "token")]
    else:
        monkeypatch.setenv("LOOKOUT_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 1
    assert seen == ["Bearer 0123456789abcdef"]
