"""One request and its answer on a connection, as ASGI's `receive` and `send`.

In place of uvicorn's own, which looks through every header of an answer for what may not be in one, copies a body three
times and stops reading after 64 kB of it (docs/decisions/0017-request-path.md).
"""

import asyncio
import http
from collections.abc import Callable
from typing import Final, Protocol

from starlette.types import ASGIApp, Message, Scope
from uvicorn.protocols.http.flow_control import FlowControl

_STATUS_LINES: Final = {one.value: f"HTTP/1.1 {one.value} {one.phrase}".encode() for one in http.HTTPStatus}
_MOST_HELD_BYTES: Final = 262_144
"""Of a body that came and that nobody asked for yet; as much as comes at once."""

BODY_IS_HERE: Final = "lookout.body_is_here"
"""Among a scope's extensions: a function that says whether the request has come whole."""
WHEN_LEFT: Final = "lookout.when_left"
"""Among them, too: a function that takes what is to be done should the client leave, or None. In ASGI's own way that
would be waited for, which takes a task."""


class Line(Protocol):
    """The connection, as its exchanges see it."""

    flow: FlowControl

    def write(self, data: bytes) -> None:
        """Send it to the client."""
        ...

    def close(self) -> None:
        """There is nothing further to be said."""
        ...

    def answered(self) -> None:
        """The exchange has its whole answer."""
        ...


class Exchange:
    """It belongs to the event loop, as its connection does."""

    def __init__(self, line: Line, scope: Scope, keep_alive: bool, expects_continue: bool) -> None:
        self._line, self._scope, self.keep_alive = line, scope, keep_alive
        scope["extensions"] = {BODY_IS_HERE: self.body_is_here, WHEN_LEFT: self.when_left}
        self._expects_continue = expects_continue
        self._chunks: list[bytes] = []
        self._held, self._news, self._whole = 0, False, False
        self._waiter: asyncio.Future[None] | None = None
        self._when_left: Callable[[], None] | None = None
        self._left = 0
        """Bytes of the answer's body that are still to come."""
        self.gone = False
        """The client has left, or was told that its request cannot be read."""
        self.started = False
        self.complete = False

    async def run(self, app: ASGIApp) -> None:
        """Have the app answer. Without a whole answer the connection is closed: the client must not wait for more."""
        try:
            await app(self._scope, self.receive, self.send)
        finally:
            if not self.complete and not self.gone:
                self._line.close()

    def body_is_here(self) -> bool:
        """Whether `receive` gives the rest of the body without waiting."""
        return self._whole

    def when_left(self, do: Callable[[], None] | None) -> None:
        """Call `do`, and nothing that was given before, when the client leaves; at once when it has left."""
        self._when_left = do
        if self.gone:
            self._leave()

    async def receive(self) -> Message:
        """What came of the body since the last time, or that nothing more will come. Waits for either."""
        if self._expects_continue and not self.gone:
            self._expects_continue = False
            self._line.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not (self._news or self.gone or self.complete):
            self._line.flow.resume_reading()
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self.gone or self.complete:
            return {"type": "http.disconnect"}
        chunks, self._chunks = self._chunks, []
        self._held, self._news = 0, False
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return {"type": "http.request", "body": body, "more_body": not self._whole}

    async def send(self, message: Message) -> None:
        """Write a part of the answer, once the client has read most of what came before. RuntimeError for an answer
        that is not HTTP."""
        if self._line.flow.write_paused and not self.gone:
            await self._line.flow.drain()
        if self.gone:
            return
        if message["type"] == "http.response.start" and not self.started:
            self._start(message["status"], message["headers"])
        elif message["type"] == "http.response.body" and self.started and not self.complete:
            self._go_on(message.get("body", b""), message.get("more_body", False))
        else:
            raise RuntimeError(f"{message['type']} out of turn")

    def body_came(self, body: bytes) -> None:
        """A part of the request's body."""
        if self.complete:
            return
        self._chunks.append(body)
        self._held += len(body)
        if self._held > _MOST_HELD_BYTES:
            self._line.flow.pause_reading()
        self._news = True
        self._wake()

    def body_ended(self) -> None:
        """The request has come whole."""
        self._news = self._whole = True
        self._wake()

    def leave(self) -> None:
        """Nobody is there any more to be answered."""
        self.gone = True
        self._leave()
        self._wake()

    def _leave(self) -> None:
        do, self._when_left = self._when_left, None
        if do is not None:
            do()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.started, self._expects_continue = True, False
        lines, length = [_STATUS_LINES[status]], None
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            elif name == b"connection":
                self.keep_alive = self.keep_alive and value != b"close"
                continue
            lines.append(b"%b: %b" % (name, value))
        if length is None:
            raise RuntimeError("an answer must say how long it is")
        if not self.keep_alive:
            lines.append(b"connection: close")
        head = b"\r\n".join((*lines, b"", b""))
        # A line end within a header would be the begin of another one, or of the body.
        if not head.count(b"\n") == head.count(b"\r") == len(lines) + 1:
            raise RuntimeError("a header with a line end in it")
        self._left = 0 if self._scope["method"] == "HEAD" else length
        self._line.write(head)

    def _go_on(self, body: bytes, more: bool) -> None:
        if self._scope["method"] == "HEAD":
            body = b""
        self._left -= len(body)
        if self._left < 0 or (self._left and not more):
            raise RuntimeError("an answer that is not as long as it said")
        if body:
            self._line.write(body)
        if more:
            return
        self.complete = True
        self._chunks.clear()  # of a refused body, which the connection would keep until its next request
        self._wake()
        if not self.keep_alive:
            self._line.close()
        self._line.answered()
