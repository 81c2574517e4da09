"""Connections of the server, bounded in number, time and bytes, whatever their clients do or leave undone.

Uvicorn bounds how long a connection may be idle after an answer, and nothing else: half a request's head may stay for
ever, an answer may wait for ever to be read, and its `limit_concurrency` refuses probes like everybody else. So this is
its HTTP/1.1 protocol with a timer for each thing that a client can leave undone, and a bound on the number.

The parser is llhttp, in C, by way of httptools: h11, in Python, took half of a request's processor time. What llhttp
lacks is made up for here and in `framing.py`.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any, ClassVar, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.framing import Framing, MalformedError
from service.settings import Settings

_UPGRADE: Final = re.compile(rb"\nupgrade:", re.IGNORECASE)
_IGNORED: Final = b"\nignored-upgrade:"
"""There is nothing to upgrade to, and a server may ignore the wish (RFC 9110, section 7.8) that Java's client has with
its first request. The parser would take the request's body for another protocol's."""
_REFUSAL: Final = "Invalid HTTP request received."


def protocol(settings: Settings) -> type[HttpToolsProtocol]:
    """The class whose instances handle one connection each, for `uvicorn.run(http=...)`."""
    return type("Connection", (_Connection,), {"settings": settings})


class _Connection(HttpToolsProtocol):
    settings: ClassVar[Settings]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base class
        """Make room for it and wait for its first request."""
        self._socket, self._lingers = transport, False
        super().connection_made(cast(asyncio.Transport, _Closing(transport, self._close)))
        self._framing = Framing()
        self._held = b""
        """What came and could not be read yet: half a head, or what is behind a request that is not answered."""
        self._since = self.loop.time()
        """Since when the client is waited for."""
        self._head_timer: asyncio.TimerHandle | None = None
        self._rest_timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None
        self._discarded = 0
        self._refused: RequestResponseCycle | None = None
        """What was answered before its body had come."""
        self._expect_head()
        if len(self.connections) > self.settings.max_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget its timers."""
        for timer in (self._head_timer, self._rest_timer, self._answer_timer):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and note what the client still owes."""
        self._unset_keepalive_if_required()
        if self._lingers or (self._framing.in_body and self.cycle.response_complete):
            self._discarded += len(data)
            if self._discarded > self.settings.max_batch_bytes:
                self.transport.abort()
        self._read(self._held + data if self._held else data)
        self._note()

    def on_headers_complete(self) -> None:
        """Begin a request whose head can be read in one way only. The parser refuses what comes with two lengths or
        with a length and chunks, and asks for no host."""
        length, coding, hosts = 0, None, 0
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
            elif name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding":
                coding = value.lower()
        old = self.parser.get_http_version() == "1.0"
        if hosts > 1 or not (hosts or old):
            raise MalformedError("not one host")
        if coding is not None and (old or coding != b"chunked"):
            raise MalformedError("a coding that nobody undoes")
        if self.parser.should_upgrade():
            raise MalformedError("a tunnel is asked for")
        super().on_headers_complete()
        self.headers = []  # of the body's trailers, which are no part of the request
        self._framing.head_ended(length if coding is None else None)

    def on_body(self, body: bytes) -> None:
        """Hand it to its request."""
        self._framing.body_came()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has come."""
        self._framing.message_ended()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the rest of a body that nobody read, or go on with the next request."""
        self._since = self.loop.time()
        super().on_response_complete()
        self._answered()
        if self._framing.in_body and not self.transport.is_closing():
            self._stop_waiting_for_rest()
            self._discarded, self._refused = 0, self.cycle
            self._rest_timer = self.loop.call_later(self.settings.body_timeout_s, self.transport.abort)
        elif self._held:
            self._unset_keepalive_if_required()
            self._read(self._held)
        self._note()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        if self._answer_timer is None:
            self._answer_timer = self.loop.call_later(self.settings.answer_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read most of what was written."""
        super().resume_writing()
        self._answered()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP; where an answer is under way already, it is cut."""
        if not self._framing.in_body:
            super().send_400_response(msg)
        elif self.cycle.response_started:
            self.transport.abort()
        else:
            self._framing.message_ended()
            super().send_400_response(msg)
            # Its request may have got as far as the app, whose own answer would now be a second one.
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _read(self, data: bytes) -> None:
        """Let the parser have what it may have of it."""
        whole, at = memoryview(data), 0
        try:
            while at < len(data) and not self._lingers and not self.transport.is_closing():
                if self._waits_for_answer():
                    self.flow.pause_reading()  # what comes next waits on the client's side
                    break
                in_body = self._framing.in_body
                end = self._framing.part(data, at)
                if end == at:
                    break
                self.parser.feed_data(whole[at:end] if in_body else _UPGRADE.sub(_IGNORED, data[at:end]))
                at = end
        except (MalformedError, httptools.HttpParserError):
            self.logger.warning(_REFUSAL)
            self.send_400_response(_REFUSAL)
            at = len(data)
        self._held = data[at:]

    def _waits_for_answer(self) -> bool:
        """Whether a request has come whole and is not answered."""
        return self.cycle is not None and not self.cycle.response_complete and not self._framing.in_body

    def _close(self) -> None:
        """Close, but let a client that is still sending finish and read its answer first (RFC 9112, section 9.6): what
        arrives at a closed socket is answered with a reset, which would take the answer with it."""
        if self._framing.in_body and not self._socket.is_closing():
            self._lingers = True
            self._socket.write_eof()
        else:
            self._socket.close()

    def _note(self) -> None:
        """Stop the timers of what has come, and start that of what is waited for now."""
        in_body = self._framing.in_body
        if not in_body or self.cycle is not self._refused:  # its end may come with the next one's head
            self._stop_waiting_for_rest()
        if in_body or self._waits_for_answer():
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None
                self._since = self.loop.time()
        elif self._head_timer is None and not self.transport.is_closing():
            if self._held or self._framing.begun:
                self._expect_head()
            elif self.timeout_keep_alive_task is None:  # a refused body has come to its end
                idle_s, close = self.timeout_keep_alive, self.timeout_keep_alive_handler
                self.timeout_keep_alive_task = self.loop.call_later(idle_s, close)

    def _stop_waiting_for_rest(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self.settings.head_timeout_s, self.timeout_keep_alive_handler)

    def _answered(self) -> None:
        """Stop the answer's timer once the client has read it but for a buffer's length."""
        done = self.cycle is None or self.cycle.response_complete
        if done and not self.flow.write_paused and self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None

    def _make_room(self) -> None:
        """Close the connection whose client is waited for longest: the newest may be a probe's."""
        others = (one for one in self.connections if isinstance(one, _Connection) and one is not self)
        waited = min((one for one in others if one._waits_for_client()), key=lambda one: one._since, default=self)
        waited.transport.abort()

    def _waits_for_client(self) -> bool:
        return not self.transport.is_closing() and not self._waits_for_answer()


class _Closing:
    """A transport that is closed in another way."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._transport, self.close = transport, close
        self.write, self.is_closing = transport.write, transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
