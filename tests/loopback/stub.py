"""A detector of known behaviour on 127.0.0.1: it answers as the contract says, late or wrong as it is told."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from loadtest.photos.prepared import load_photos
from lookout import contract
from service.schema import Box, Detection, DetectResponse, ImageSize, Model, ModelResponse, Timing


class Reply(NamedTuple):
    """What goes back; `promised` above the body's length makes a truncated body."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    promised: int | None = None


MODEL = ModelResponse(
    name="stub", version="1", runtime="none", title="A stub", generation="tf1-detection-zoo",
    licence="Apache-2.0", source="here", labels={1: "person"}, parity=[], threads=1, bento="detector:stub",
)  # fmt: skip
PROBLEM = Reply(
    json.dumps({"type": "about:blank", "title": "Over capacity", "status": 503, "detail": "try later"}).encode(),
    503,
    "application/problem+json",
)


class Stub:
    """A running stub: its address, and how many photos it was sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked = 0
        self.headers: list[dict[str, str]] = []
        self.going = False
        self.lock = threading.Lock()

    def number(self) -> int:
        """The number of the next request, from 0."""
        with self.lock:
            self.asked += 1
            return self.asked - 1


@contextmanager
def serving(
    detect: Callable[[int, bytes], Reply],
    model: Reply | None = None,
    latency_s: float = 0.005,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Stub]:
    """Serve while the block runs; `detect` gets the request's number and its body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: Nagle's algorithm would hold the second back for 40 ms

        def do_GET(self) -> None:
            found = self.path == contract.MODEL_PATH
            self._send(model or Reply(MODEL.model_dump_json().encode(), 200 if found else 404))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            stub.headers.append(dict(self.headers.items()))
            number = stub.number()
            time.sleep(latency_s)
            self._send(detect(number, body))

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(reply.promised or len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.wfile.flush()
            self.close_connection = stub.going or reply.promised is not None

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 256  # connections that come at once: with a shorter queue SYNs are sent again

    load_photos()  # takes a second the first time, which must not be the first answer's
    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    stub = Stub(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield stub
    finally:
        stub.going = True
        server.shutdown()
        server.server_close()
        thread.join()


def correct(_: int, jpeg: bytes) -> Reply:
    """A right answer for the photo that was sent."""
    photo = next(photo for photo in load_photos() if photo.data == jpeg)
    box = Box(x_min=1, y_min=1, x_max=photo.width - 1, y_max=photo.height - 1)
    answer = DetectResponse(
        model=Model(name="stub", version="1", runtime="none"),
        image=ImageSize(width=photo.width, height=photo.height),
        detections=[Detection(label="cat", class_id=17, score=0.9, box=box)],
        timing_ms=Timing(queue=0, decode=0, preprocess=0, inference=0, postprocess=0, total=0),
    )
    return Reply(answer.model_dump_json().encode())
