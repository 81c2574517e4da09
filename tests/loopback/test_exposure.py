"""What must not get out of a request: to disk, into logs, to other servers, or into Python's own serialisation."""

import io
import json
import pickle
import resource
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lookout import contract
from service.observation import API_PATHS
from tests.loopback.known_service import known

pytestmark = pytest.mark.loopback

# Its letters are not hexadecimal, so no random identifier can hold it.
MARK = "unmistakable"
POSTS = sorted(API_PATHS)


Service = tuple[httpx.Client, "subprocess.Popen[bytes]"]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service for one test alone, which limits it or reads all that it logs."""
    with (
        known(tmp_path, 0.001, stderr=subprocess.PIPE, log_level="DEBUG") as (url, process),
        httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
    ):
        yield client, process


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service that tests have in common."""
    with (
        known(tmp_path_factory.mktemp("shared"), 0.001) as (url, _),
        httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
    ):
        yield client


def photo(kind: str, size: tuple[int, int] = (640, 480)) -> bytes:
    """A photo with a mark in every place where people's photos have theirs."""
    exif, text, sink = Image.Exif(), PngInfo(), io.BytesIO()
    exif[0x010E] = exif[0x010F] = exif[0x0132] = MARK
    exif.get_ifd(0x8825)[0x001D] = MARK  # where it was taken
    text.add_text("Comment", MARK)
    of_kind: dict[str, dict[str, Any]] = {"JPEG": {"comment": MARK}, "PNG": {"pnginfo": text}, "WEBP": {}}
    Image.effect_noise(size, 80).convert("RGB").save(sink, kind, exif=exif, **of_kind[kind])
    return sink.getvalue()


def asked_in_every_way(client: httpx.Client, data: bytes) -> list[httpx.Response]:
    """Answers to a photo in each kind of body, with the mark also in its name."""
    named = (MARK, data, "application/octet-stream")
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(data) + 4}}
    head = json.dumps({"id": MARK, "inputs": [tensor]}).encode()
    framed = head + len(data).to_bytes(4, "little") + data
    single = [contract.DETECT_PATH, contract.RENDER_PATH, f"{contract.EXPLAIN_PATH}?cells=4"]
    return [
        *(client.post(path, content=data) for path in single),
        *(client.post(path, files={"image": named}) for path in single),
        client.post(contract.BATCH_PATH, files=[("images", named)] * 3),
        client.post(
            contract.OIP_INFER_PATH,
            content=framed,
            headers={"Inference-Header-Content-Length": str(len(head)), "Authorization": f"Bearer {MARK}"},
        ),
        client.post(f"{contract.DETECT_PATH}?{MARK}={MARK}", content=data, headers={"X-Request-ID": f"/{MARK}"}),
    ]


def test_no_byte_of_a_request_is_written_to_any_file(service: Service) -> None:
    client, process = service
    # From here on a write to whatever is a file, were it in memory, is an error. Sockets and the log's pipe are none.
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))
    for kind, size in (("JPEG", (640, 480)), ("PNG", (1200, 1000)), ("WEBP", (640, 480))):
        *good, misspelt = asked_in_every_way(client, photo(kind, size))
        assert {one.status_code for one in good} == {200}
        assert misspelt.status_code == 422


def test_logs_hold_nothing_of_photos_their_names_or_tokens(service: Service) -> None:
    client, process = service
    log = _Reader(process)
    for kind in ("JPEG", "PNG", "WEBP"):
        data = photo(kind)
        cut = [asked_in_every_way(client, data[:length]) for length in (300, len(data) // 2, len(data))]
        assert {one.status_code for answers in cut for one in answers} <= {200, 400, 422}
    # What is not even HTTP is logged by the server itself.
    with socket.create_connection((client.base_url.host, client.base_url.port)) as raw:
        raw.sendall(f"GARBAGE {MARK}\r\n\r\n".encode())
        raw.recv(1000)
    process.kill()
    lines = log.lines()
    requests = [line for line in lines if line.startswith("{") and json.loads(line)["event"] == "request"]
    assert len(requests) == 3 * 3 * 9
    assert not [line for line in lines if MARK in line or "JFIF" in line or "Exif" in line]
    assert max(map(len, lines)) < 1_000


def test_a_pickle_is_a_body_like_any_other(client: httpx.Client, tmp_path: Path) -> None:
    proof = tmp_path / "unpickled"

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (proof,)

    payload = pickle.dumps(Bomb())
    for kind in ("application/vnd.bentoml+pickle", "application/octet-stream", "application/x-pickle", "image/jpeg"):
        for path in (*POSTS, "/", "/bentoml", "/bentoml/detect", "/v1"):
            headers = {"Content-Type": kind, "Payload-Container": "DefaultContainer", "Payload-Meta": "{}"}
            assert 400 <= client.post(path, content=payload, headers=headers).status_code < 500
    assert not proof.exists()
    assert pickle.loads(payload) is None  # noqa: S301  # the bomb works
    assert proof.exists()


def test_nothing_in_a_request_makes_the_service_ask_anybody(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.3)
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/photo.jpg"
        svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>'
        tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [url]}
        for path in POSTS:
            for answer in (
                client.post(path, content=url),
                client.post(path, content=svg, headers={"Content-Type": "image/svg+xml"}),
                client.post(path, json={"image": url, "images": [url], "url": url, "inputs": [tensor]}),
                client.post(path, data={"image": url}),
                client.post(path, files={"image": (url, url.encode(), "image/jpeg")}),
                client.post(path, params={"image": url, "url": url}, headers={"Referer": url, "Origin": url}),
                client.post(path, files=[("images", (None, url))]),
            ):
                assert answer.status_code in (200, 400, 415, 422)
                assert answer.status_code != 200 or "problem" in answer.text  # a batch tells of each photo
        with pytest.raises(TimeoutError):
            elsewhere.accept()


def test_none_of_bentoml_s_own_paths_answers(client: httpx.Client) -> None:
    paths = ["/schema.json", "/healthz", "/docs.json", "/static_content/index.css", "/assets/index.js"]
    paths += ["/bentoml", *(f"/bentoml{path}" for path in ("/", "/livez", "/readyz", "/healthz", "/metrics", *paths))]
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
    for path in ("/debug", "/debug/pprof", "/console", "/admin", "/env", "/.env", "/server-status"):
        assert client.get(path).status_code == 404
    for method in ("TRACE", "CONNECT", "OPTIONS", "PROPFIND"):
        assert client.request(method, contract.DETECT_PATH).status_code in (400, 404, 405)


class _Reader:
    """Reads what a process logs while it runs: a full pipe would stop it."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stderr is not None
        self._pipe, self._read = process.stderr, list[str]()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def lines(self) -> list[str]:
        """All of it, once the process has ended."""
        self._thread.join()
        return self._read

    def _follow(self) -> None:
        self._read.extend(line.decode(errors="replace") for line in self._pipe)
