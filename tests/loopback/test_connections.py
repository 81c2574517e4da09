"""What clients leave undone, as raw bytes on real connections: each is bounded in time, in number and in bytes."""

import http.client
import io
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from lookout import contract
from service.framing import MAX_HEAD_BYTES
from service.settings import Settings
from tests.loopback.known_service import known

pytestmark = pytest.mark.loopback

HEAD_S, BODY_S, ANSWER_S, KEEP_ALIVE_S = 0.6, 1.0, 1.0, 1
MOST_CONNECTIONS, MOST_BYTES = 20, 300_000
SLACK_S = 2.0
"""How much later a busy machine may do what it does."""
PROBE = f"GET {contract.LIVENESS_PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


class Service:
    """A running service and ways to ask it."""

    def __init__(self, url: str, process: "subprocess.Popen[bytes]") -> None:
        self.url, self._process = url, process

    def connect(self, receive_bytes: int | None = None) -> socket.socket:
        connection = socket.socket()
        if receive_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", int(self.url.rpartition(":")[2])))
        return connection

    def asked(self, request: bytes) -> bytes:
        """All that comes back until the server closes."""
        with self.connect() as connection:
            connection.sendall(request)
            return rest(connection)

    def is_well(self) -> bool:
        """It answers a probe and a photo at once, and logged no error of its own."""
        began = time.monotonic()
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            statuses = (
                client.get(contract.LIVENESS_PATH).status_code,
                client.post(contract.DETECT_PATH, content=jpeg()).status_code,
            )
            internal = f'{contract.METRIC_REQUESTS}{{status="500"}}' in client.get(contract.METRICS_PATH).text
        return statuses == (200, 200) and not internal and time.monotonic() - began < SLACK_S

    def sockets(self) -> int:
        """Open sockets of the process."""
        count = 0
        for one in Path(f"/proc/{self._process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                count += str(one.readlink()).startswith("socket:")
        return count


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with known(
        tmp_path_factory.mktemp("model"),
        0.001,
        head_timeout_s=str(HEAD_S),
        body_timeout_s=str(BODY_S),
        answer_timeout_s=str(ANSWER_S),
        keep_alive_s=str(KEEP_ALIVE_S),
        max_connections=str(MOST_CONNECTIONS),
        max_batch_bytes=str(MOST_BYTES),
        threads="1",
    ) as (url, process):
        yield Service(url, process)


@pytest.fixture(autouse=True)
def _is_well_afterwards(service: Service) -> Iterator[None]:
    yield
    assert service.is_well()


def jpeg(size: tuple[int, int] = (64, 48), noise: bool = False) -> bytes:
    sink = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)
    image = Image.fromarray(pixels) if noise else Image.new("RGB", size, "grey")
    image.save(sink, "JPEG")
    return sink.getvalue()


def post(path: str, length: int | str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: image/jpeg", *headers]
    lines += [f"Content-Length: {length}"] if isinstance(length, int) else [length]
    return "\r\n".join([*lines, "", ""]).encode()


def status(connection: socket.socket) -> int:
    """Of the next answer, which is read whole."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def rest(connection: socket.socket) -> bytes:
    """What comes until the other side closes, in good order or not."""
    found = b""
    try:
        while piece := connection.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def closed_after(connection: socket.socket) -> float:
    """Seconds until the other side closes; what it says before does not matter."""
    began = time.monotonic()
    rest(connection)
    return time.monotonic() - began


def drip(connection: socket.socket, data: bytes, every_s: float = 0.1) -> float:
    """Seconds until the other side has closed on a client that sends byte by byte and never ends."""
    began = time.monotonic()
    try:
        for place in range(200):
            connection.sendall(data[place % len(data) :][:1])
            time.sleep(every_s)
    except OSError:
        return time.monotonic() - began
    raise AssertionError("the connection is still open")


def pushed(connection: socket.socket) -> int:
    """Bytes that the other side lets itself be sent before it closes."""
    sent = 0
    try:
        for _ in range(1_000):
            sent += connection.send(b"x" * 65_536)
            time.sleep(0.001)
    except OSError:
        return sent
    raise AssertionError("the connection is still open")


def test_a_connection_that_says_nothing_is_closed(service: Service) -> None:
    with service.connect() as connection:
        assert HEAD_S / 2 < closed_after(connection) < HEAD_S + SLACK_S


def test_a_head_that_comes_byte_by_byte_is_given_up(service: Service) -> None:
    with service.connect() as connection:
        assert drip(connection, b"GET /livez HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaa") < HEAD_S + SLACK_S


def test_a_head_that_follows_an_answer_has_no_more_time(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(PROBE + b"GET /li")
        assert status(connection) == 200
        assert drip(connection, b"aaaa") < HEAD_S + SLACK_S


def test_an_idle_connection_is_kept_and_then_closed(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(PROBE)
        assert status(connection) == 200
        time.sleep(HEAD_S + 0.1)  # longer than a head may take: nothing of the next one has come
        connection.sendall(PROBE)
        assert status(connection) == 200
        assert KEEP_ALIVE_S / 2 < closed_after(connection) < KEEP_ALIVE_S + SLACK_S


def test_idle_connections_outlive_those_of_load_balancers() -> None:
    google_s, aws_s, nginx_s = 600, 60, 60
    assert Settings().keep_alive_s > max(google_s, aws_s, nginx_s)


@pytest.mark.parametrize(
    ("content_type", "begin"), [(b"image/jpeg", b"\xff\xd8"), (b"multipart/form-data; boundary=x", b"--x\r\n")]
)
def test_a_body_that_comes_too_slowly_is_answered_408(service: Service, content_type: bytes, begin: bytes) -> None:
    with service.connect() as connection:
        connection.sendall(post(contract.DETECT_PATH, 100_000).replace(b"image/jpeg", content_type) + begin)
        began = time.monotonic()
        assert status(connection) == 408
        assert time.monotonic() - began < BODY_S + SLACK_S
        assert closed_after(connection) < BODY_S + SLACK_S  # the rest of the body is waited for no longer than that


def test_the_rest_of_a_refused_body_is_waited_for_in_vain_only_so_long(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(post("/nothing-here", 100_000))
        assert status(connection) == 404
        assert drip(connection, b"aaaa") < BODY_S + SLACK_S


def test_the_rest_of_a_refused_body_is_discarded_only_so_far(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(post("/nothing-here", 10**12))
        sent = pushed(connection)
        assert MOST_BYTES < sent < 20_000_000  # the kernel's buffers, beside what the server read


def test_a_refused_client_may_send_its_body_and_ask_again_on_the_same_connection(service: Service) -> None:
    body = b"x" * (MOST_BYTES // 2)
    with service.connect() as connection:
        for _ in range(3):
            connection.sendall(post("/nothing-here", len(body)) + body)
            assert status(connection) == 404
        connection.sendall(PROBE)
        assert status(connection) == 200


def test_bodies_whose_ends_come_with_the_next_request_leave_no_timer_behind(service: Service) -> None:
    first, rest_and_next = post("/nothing-here", 1_000), b"x" * 1_000 + post("/nothing-here", 1_000)
    with service.connect() as connection:
        connection.sendall(first)
        for _ in range(3):
            assert status(connection) == 404
            connection.sendall(rest_and_next)
        assert status(connection) == 404
        connection.sendall(b"x" * 1_000)
        for _ in range(4):
            time.sleep(BODY_S / 2)
            connection.sendall(PROBE)
            assert status(connection) == 200


def test_a_head_that_comes_in_two_pieces_with_a_long_body_is_read(service: Service) -> None:
    photo = jpeg((400, 300), noise=True)
    head = post(contract.DETECT_PATH, len(photo))
    assert len(photo) > MAX_HEAD_BYTES
    with service.connect() as connection:
        for cut in (len(head) - 3, len(head) - 2, len(head) - 1, 10):
            connection.sendall(head[:cut])
            time.sleep(0.05)
            connection.sendall(head[cut:] + photo)
            assert status(connection) == 200


def test_a_refused_client_that_keeps_no_connection_sees_its_answer_and_not_a_reset(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(post("/nothing-here", MOST_BYTES, "Connection: close") + b"x" * 1000)
        answer = connection.recv(65_536)
        time.sleep(0.1)
        connection.sendall(b"x" * (MOST_BYTES - 1000))
        while piece := connection.recv(65_536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"connection: close" in answer.lower()


def test_a_client_that_asks_before_it_sends_is_refused_without_its_body(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(post("/nothing-here", 100_000, "Expect: 100-continue"))
        assert status(connection) == 404
    with service.connect() as connection:
        photo = jpeg()
        connection.sendall(post(contract.DETECT_PATH, len(photo), "Expect: 100-continue"))
        assert connection.recv(4096).startswith(b"HTTP/1.1 100")
        connection.sendall(photo)
        assert status(connection) == 200


def test_a_flood_of_silent_connections_keeps_nobody_out(service: Service) -> None:
    with ExitStack() as opened:
        before = service.sockets()
        for _ in range(5 * MOST_CONNECTIONS):
            opened.enter_context(service.connect())
        assert service.is_well()
        assert service.sockets() <= before + MOST_CONNECTIONS + 1


def test_a_flood_of_slow_bodies_keeps_nobody_out(service: Service) -> None:
    with ExitStack() as opened:
        for _ in range(3 * MOST_CONNECTIONS):
            opened.enter_context(service.connect()).sendall(post(contract.DETECT_PATH, 100_000) + b"\xff")
        assert service.is_well()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 10 * MAX_HEAD_BYTES,
        b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X-Many: a\r\n" * MAX_HEAD_BYTES + b"\r\n",
        b"GET /" + b"a" * 2 * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n" * MAX_HEAD_BYTES,
        b"\0" * 2 * MAX_HEAD_BYTES,
    ],
    ids=["long", "many", "target", "empty-lines", "zeros"],
)
def test_a_flood_of_headers_is_refused_unread(service: Service, head: bytes) -> None:
    began = time.monotonic()
    assert service.asked(head)[:12] in (b"HTTP/1.1 400", b"")
    assert time.monotonic() - began < HEAD_S + SLACK_S


def test_as_many_headers_as_fit_are_read(service: Service) -> None:
    many = b"a:\r\n" * ((MAX_HEAD_BYTES - 200) // 4)
    answer = service.asked(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + many + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-x\r\n\r\n",
        b"GET\r\n\r\n",
    ],
    ids=["tls", "http2", "ssh", "no-target"],
)
def test_another_protocol_is_refused_or_closed(service: Service, garbage: bytes) -> None:
    assert re.match(rb"HTTP/1\.1 4\d\d|$", service.asked(garbage))


def chunked(*pieces: bytes) -> bytes:
    return b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in (*pieces, b""))


def test_a_chunked_body_without_length_is_taken_and_counted(service: Service) -> None:
    head, photo = post(contract.DETECT_PATH, "Transfer-Encoding: chunked", "Connection: close"), jpeg()
    assert service.asked(head + chunked(photo[:100], photo[100:])).startswith(b"HTTP/1.1 200")
    batch = post(contract.OIP_INFER_PATH, "Transfer-Encoding: chunked", "Connection: close")
    assert service.asked(batch + chunked(*[b"[" * 60_000] * 6)).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ("Transfer-Encoding: chunked", b"zz\r\nabc\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"ffffffffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"5;" + b"x" * 2 * MAX_HEAD_BYTES),
        ("Transfer-Encoding: gzip, chunked", b"0\r\n\r\n"),
        ("Content-Length: 5\r\nContent-Length: 6", b"abcde"),
        ("Content-Length: -5", b"abcde"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
    ],
)
def test_framing_that_lies_is_never_an_error_of_ours(service: Service, framing: str, body: bytes) -> None:
    assert re.match(rb"HTTP/1\.1 4\d\d|$", service.asked(post(contract.DETECT_PATH, framing) + body))


POST = f"POST {contract.DETECT_PATH} HTTP/1.1\r\nHost: x\r\n".encode()
CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="length-and-chunks"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", id="chunks-and-length"
        ),
        pytest.param(POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", id="two-lengths"),
        pytest.param(POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", id="length-twice"),
        pytest.param(POST + b"Content-Length: 5, 5\r\n\r\nabcde", id="list-of-lengths"),
        pytest.param(POST + b"Content-Length: +5\r\n\r\nabcde", id="length-with-sign"),
        pytest.param(POST + b"Content-Length: 1_0\r\n\r\nabcde", id="length-of-python"),
        pytest.param(POST + b"Content-Length:\r\n\r\nabcde", id="no-length"),
        pytest.param(POST + b"Content-Length: " + b"9" * 23 + b"\r\n\r\nabcde", id="length-beyond-64-bits"),
        pytest.param(POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", id="coding-before-chunked"),
        pytest.param(POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", id="coding-after-chunked"),
        pytest.param(POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", id="like-chunked"),
        pytest.param(POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", id="chunked-behind-a-tabulator"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n", id="chunked-twice"),
        pytest.param(CHUNKS.replace(b"/1.1", b"/1.0") + b"0\r\n\r\n", id="chunked-in-http-1.0"),
        pytest.param(CHUNKS + b"f" * 22 + b"\r\nabc", id="chunk-beyond-64-bits"),
        pytest.param(CHUNKS + b"-1\r\nabc\r\n", id="chunk-below-zero"),
        pytest.param(CHUNKS + b"0x1\r\na\r\n0\r\n\r\n", id="chunk-of-c"),
        pytest.param(CHUNKS + b"1 \r\na\r\n0\r\n\r\n", id="chunk-with-space"),
        pytest.param(CHUNKS + b"1\na\n0\n\n", id="chunk-line-without-cr"),
        pytest.param(CHUNKS + b"1;a\nb\r\na\r\n0\r\n\r\n", id="chunk-extension-without-cr"),
        pytest.param(CHUNKS + b"1\r\nab\r\n0\r\n\r\n", id="chunk-too-long"),
        pytest.param(CHUNKS + b"0\r\nContent-Length: 5\r\n\r\n", id="length-as-trailer"),
        pytest.param(POST + b"X: a\nY: b\r\n\r\n", id="lf-alone"),
        pytest.param(b"GET /livez HTTP/1.1\nHost: x\n\n", id="lf-everywhere"),
        pytest.param(b"GET /livez HTTP/1.1\r\nHost: x\r\n\n", id="lf-at-the-end"),
        pytest.param(POST + b"X: a\rY: b\r\n\r\n", id="cr-alone"),
        pytest.param(POST + b"Content-Length : 5\r\n\r\nabcde", id="space-before-colon"),
        pytest.param(POST + b"X: a\r\n b\r\n\r\n", id="folded"),
        pytest.param(b"GET /livez HTTP/1.1\r\n Host: x\r\n\r\n", id="folded-first-line"),
        pytest.param(POST + b"X: a\0b\r\n\r\n", id="nul"),
        pytest.param(POST + b"X: a\x01b\r\n\r\n", id="control-character"),
        pytest.param(POST + b"X: a\x7fb\r\n\r\n", id="delete"),
        pytest.param(POST + b"X\0: a\r\n\r\n", id="nul-in-name"),
        pytest.param(POST + b"X\xe9: a\r\n\r\n", id="name-not-ascii"),
        pytest.param(POST + b": a\r\n\r\n", id="no-name"),
        pytest.param(POST + b"XYZ\r\n\r\n", id="no-colon"),
        pytest.param(b"GET /livez HTTP/1.1\r\n\r\n", id="no-host"),
        pytest.param(PROBE.replace(b"Host: x", b"Host: x\r\nHost: x"), id="two-hosts"),
        pytest.param(PROBE.replace(b"GET", b"get"), id="method-in-lower-case"),
        pytest.param(PROBE.replace(b"GET", b"FOO"), id="unknown-method"),
        pytest.param(b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", id="tunnel"),
        pytest.param(b"GET /livez\r\n\r\n", id="http-0.9"),
        pytest.param(PROBE.replace(b"/1.1", b"/0.9"), id="says-http-0.9"),
        pytest.param(PROBE.replace(b"/1.1", b"/2.0"), id="says-http-2"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="http-2"),
        pytest.param(PROBE.replace(b"GET ", b"GET  "), id="two-spaces"),
        pytest.param(PROBE.replace(b"/livez", b"/li vez"), id="space-in-target"),
        pytest.param(PROBE.replace(b"/livez", b"/li\xe9vez"), id="target-not-ascii"),
        pytest.param(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", id="tls"),
    ],
)
def test_what_may_be_read_in_two_ways_is_refused_with_all_that_follows(service: Service, request_: bytes) -> None:
    assert re.findall(rb"HTTP/1\.1 (\d+)", service.asked(request_ + PROBE)) == [b"400"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (PROBE.replace(b"Host", b"X: \xe9\r\nHost"), b"200"),
        (PROBE.replace(b"/livez", b"http://y/livez"), b"200"),
        (PROBE.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\nabcde"), b"200"),
        (b"\r\n\r\n" + PROBE, b"200"),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (CHUNKS + b"1;a=b\r\na\r\n0\r\nX-Trailer: b\r\n\r\n", b"415"),
        (POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nabcde", b"415"),
        (POST + b"connection: upgrade\r\nupgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    ],
    ids=["not-ascii", "absolute", "get-body", "empty-lines", "star", "trailers", "h2c", "websocket"],
)
def test_what_is_odd_and_clear_is_read_and_the_next_request_too(
    service: Service, request_: bytes, expected: bytes
) -> None:
    last = PROBE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for cut in (0, 5, len(request_) - 3):
        with service.connect() as connection:
            connection.sendall(request_[:cut])
            time.sleep(0.02)
            connection.sendall(request_[cut:] + last)
            assert re.findall(rb"HTTP/1\.1 (\d+)", rest(connection)) == [expected, b"200"]


def test_a_client_of_http_1_0_is_answered_without_a_host_and_closed(service: Service) -> None:
    assert re.findall(rb"HTTP/1\.1 (\d+)", service.asked(b"GET /livez HTTP/1.0\r\n\r\n" + PROBE)) == [b"200"]


def test_an_idle_connection_is_closed_after_a_refused_body_too(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(post("/nothing-here", 10))
        assert status(connection) == 404
        connection.sendall(b"x" * 10)
        assert KEEP_ALIVE_S / 2 < closed_after(connection) < KEEP_ALIVE_S + SLACK_S


def test_pipelined_requests_are_answered_in_order(service: Service) -> None:
    photo = jpeg()
    together = PROBE + post(contract.DETECT_PATH, len(photo)) + photo + PROBE * 20
    together += PROBE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    answers = service.asked(together)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"200"] * 23
    assert answers.count(b"\r\n\r\nok\n") == 22
    assert answers.index(b"ok\n") < answers.index(b'"detections"') < answers.rindex(b"ok\n")


def test_an_answer_that_nobody_reads_is_cut(service: Service) -> None:
    photo = jpeg((4000, 3000), noise=True)
    with service.connect(receive_bytes=4096) as connection:
        connection.sendall(post(contract.RENDER_PATH, len(photo)) + photo)
        answer = connection.recv(1000)
        time.sleep(ANSWER_S + SLACK_S)
        answer += rest(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    length = re.search(rb"content-length: (\d+)", answer)
    assert length is not None
    assert len(answer) < int(length[1])


def test_a_photo_whose_client_left_while_it_waited_is_not_computed(tmp_path: Path) -> None:
    request = post(contract.DETECT_PATH, len(jpeg())) + jpeg()
    with known(tmp_path, 0.4, threads="1", queue_deadline_s="10") as (url, process), ExitStack() as connections:
        asking = [connections.enter_context(Service(url, process).connect()) for _ in range(4)]
        for one in asking:
            one.sendall(request)
            time.sleep(0.05)  # in this order: one is worked on, one is with the worker, two wait
        asking[2].close()
        assert [status(one) for one in (asking[0], asking[1], asking[3])] == [200, 200, 200]
        metrics = httpx.get(f"{url}{contract.METRICS_PATH}", trust_env=False).text
    assert f'{contract.METRIC_REQUESTS}{{status="400"}} 1.0' in metrics
    assert f'{contract.METRIC_STAGE}_count{{stage="inference"}} 3.0' in metrics
