"""A fast server of known latency on 127.0.0.1: `python -m loadtest.reference.server constant:20ms [SEED]`.

It takes the bundled photos and answers each correctly at once, or as much later as it is told, without looking at a
pixel: what it cannot do fast, no generator's figures are blamed on. The first line on standard output is {"port": N};
when its standard input closes it prints what it really did, by its own clock, and ends.
"""

import asyncio
import gc
import json
import sys
import time
from contextlib import suppress
from typing import Final

from loadtest.generator.priority import go_first
from loadtest.photos.prepared import load_photos
from loadtest.reference.latency import Hold, parse_hold
from loadtest.statistics import percentile
from service.schema import Box, Detection, DetectResponse, ImageSize, Model, ModelResponse, Timing

_NAME: Final = "reference"
_END: Final = b"\r\n\r\n"


class Server:
    """Answers by length of the photo, and the times it held them."""

    def __init__(self, hold: Hold) -> None:
        self.hold = hold
        self.held_ms: list[float] = []
        self.first: float | None = None
        self.answers = {len(photo.data): _response(_detected(photo.width, photo.height)) for photo in load_photos()}
        self.model = _response(_model())
        self.other = _response(b"{}")

    def report(self) -> dict[str, float | None]:
        """How many photos were answered, and how long they were held, in milliseconds."""
        held = sorted(self.held_ms)
        return {"requests": len(held), **{f"p{p:g}": percentile(held, p) for p in (50.0, 99.0, 99.9)}}


class Connection(asyncio.Protocol):
    """One client; HTTP/1.1 as far as a load generator speaks it: Content-Length, keep-alive."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._head = b""
        self._length = -1
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # TCP
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take head and body as they come; the body is only counted."""
        while data:
            if self._length < 0:
                self._head += data
                head, end, data = self._head.partition(_END)
                if not end:
                    return
                self._head = b""
                if head.startswith(b"GET"):
                    self._transport.write(self._server.model)
                    continue
                self._length = self._missing = _content_length(head)
            taken = min(len(data), self._missing)
            self._missing -= taken
            data = data[taken:]
            if self._missing == 0:
                length, self._length = self._length, -1
                self._answer(self._server.answers.get(length, self._server.other))

    def _answer(self, response: bytes) -> None:
        server, now = self._server, time.perf_counter()
        if server.first is None:
            server.first = now
        hold_s = server.hold(now - server.first)
        if hold_s <= 0:
            self._write(response, now)
        else:
            asyncio.get_running_loop().call_at(asyncio.get_running_loop().time() + hold_s, self._write, response, now)

    def _write(self, response: bytes, arrived: float) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)
        self._server.held_ms.append((time.perf_counter() - arrived) * 1000)


async def serve(server: Server) -> None:
    """Serve until standard input closes."""
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=4096)
    print(json.dumps({"port": listener.sockets[0].getsockname()[1]}), flush=True)
    gc.collect()
    gc.freeze()
    gc.disable()  # a pause of the collector would look like the generator's or the server's latency
    await loop.run_in_executor(None, sys.stdin.read)
    listener.close()
    print(json.dumps(server.report()), flush=True)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _response(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _detected(width: int, height: int) -> bytes:
    box = Box(x_min=1, y_min=1, x_max=width - 1, y_max=height - 1)
    answer = DetectResponse(
        model=Model(name=_NAME, version="1", runtime="none"),
        image=ImageSize(width=width, height=height),
        detections=[Detection(label="cat", class_id=17, score=0.9, box=box)],
        timing_ms=Timing(queue=0, decode=0, preprocess=0, inference=0, postprocess=0, total=0),
    )
    return answer.model_dump_json().encode()


def _model() -> bytes:
    answer = ModelResponse(
        name=_NAME, version="1", runtime="none", title="No detector: a server of known latency",
        generation="tf1-detection-zoo", licence="Apache-2.0", source="loadtest/reference", labels={17: "cat"},
        parity=[], threads=1,
    )  # fmt: skip
    return answer.model_dump_json().encode()


if __name__ == "__main__":
    go_first()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(Server(parse_hold(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1))))
