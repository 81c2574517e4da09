"""Connections of the server, bounded in number, time and bytes, whatever their clients do or leave undone.

Uvicorn's own bound how long a connection may be idle after an answer, and nothing else: half a request's head may stay
for ever, an answer may wait for ever to be read, and its `limit_concurrency` refuses probes like everybody else. So
uvicorn listens, starts and stops, and its connections are these: HTTP/1.1 with a timer for each thing that a client can
leave undone, and a bound on the number.

The parser is llhttp, in C, by way of httptools. What it lacks is made up for here and in `framing.py`; a request and
its answer are `exchange.py`.
"""

import asyncio
import logging
import re
from typing import Any, ClassVar, Final, cast
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from service.exchange import Exchange
from service.framing import Framing, MalformedError
from service.settings import Settings

_UPGRADE: Final = re.compile(rb"\nupgrade:", re.IGNORECASE)
_IGNORED: Final = b"\nignored-upgrade:"
"""There is nothing to upgrade to, and a server may ignore the wish (RFC 9110, section 7.8) that Java's client has with
its first request. The parser would take the request's body for another protocol's."""
_REFUSAL: Final = "Invalid HTTP request received."
_REFUSED: Final = (
    "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"
    f"content-length: {len(_REFUSAL)}\r\nconnection: close\r\n\r\n{_REFUSAL}"
).encode()
_LOGGER: Final = logging.getLogger("uvicorn.error")


def protocol(settings: Settings) -> type[asyncio.Protocol]:
    """The class whose instances handle one connection each, for `uvicorn.run(http=...)`."""
    return type("Connection", (_Connection,), {"settings": settings})


class _Connection(asyncio.Protocol):
    settings: ClassVar[Settings]
    flow: FlowControl

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """As uvicorn makes one."""
        self._app, self._app_state, self._server = config.loaded_app, app_state, server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._framing = Framing()
        self._held = b""
        """What came and could not be read yet: half a head, or what is behind a request that is not answered."""
        self._lingers = False
        self._since = self._loop.time()
        """Since when the client is waited for."""
        self._idle_since: float | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._rest_timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None
        self._discarded = 0
        self._exchange: Exchange | None = None
        """The latest."""
        self._refused: Exchange | None = None
        """What was answered before its body had come."""
        self._url, self._headers = b"", list[tuple[bytes, bytes]]()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Make room for it and wait for its first request."""
        self._transport = cast(asyncio.Transport, transport)
        self.write, self.flow = self._transport.write, FlowControl(self._transport)
        self._addresses = {"server": get_local_addr(self._transport), "client": get_remote_addr(self._transport)}
        self._server.connections.add(self)  # type: ignore[arg-type]  # it only wants their `shutdown`
        self._expect_head()
        if len(self._server.connections) > self.settings.max_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it and its timers, and let its request know."""
        del exc
        self._server.connections.discard(self)
        for timer in (self._idle_timer, self._head_timer, self._rest_timer, self._answer_timer):
            if timer is not None:
                timer.cancel()
        if self._exchange is not None:
            self._exchange.leave()
        self.flow.resume_writing()
        # They hold this: it would all stay until somebody looks for such circles.
        self._exchange = self._refused = None
        del self._parser

    def data_received(self, data: bytes) -> None:
        """Take what came, and note what the client still owes."""
        self._idle_since = None
        if self._lingers or (self._framing.in_body and self._exchange is not None and self._exchange.complete):
            self._discarded += len(data)
            if self._discarded > self.settings.max_batch_bytes:
                self._transport.abort()
        self._read(self._held + data if self._held else data)
        self._note()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        self.flow.pause_writing()
        if self._answer_timer is None:
            self._answer_timer = self._loop.call_later(self.settings.answer_timeout_s, self._transport.abort)

    def resume_writing(self) -> None:
        """It has read most of what was written."""
        self.flow.resume_writing()
        self._expect_reading_no_more()

    def on_message_begin(self) -> None:
        """Of the parser, as all that begins with on_."""
        self._url, self._headers = b"", []

    def on_url(self, url: bytes) -> None:
        """A part of it."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer of a body."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Begin a request whose head can be read in one way only. The parser refuses what comes with two lengths or
        with a length and chunks, and asks for no host."""
        length, coding, hosts, expects_continue = 0, None, 0, False
        for name, value in self._headers:
            if name == b"host":
                hosts += 1
            elif name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding":
                coding = value.lower()
            elif name == b"expect":
                expects_continue = value.lower() == b"100-continue"
        version = self._parser.get_http_version()
        old = version == "1.0"
        if hosts > 1 or not (hosts or old):
            raise MalformedError("not one host")
        if coding is not None and (old or coding != b"chunked"):
            raise MalformedError("a coding that nobody undoes")
        if self._parser.should_upgrade():
            raise MalformedError("a tunnel is asked for")
        url = httptools.parse_url(self._url)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            **self._addresses,
            "scheme": "http",
            "root_path": "",
            "method": self._parser.get_method().decode(),
            "path": unquote(url.path.decode()),
            "raw_path": url.path,
            "query_string": url.query or b"",
            "headers": self._headers,
            "state": self._app_state.copy(),
        }
        self._headers = []  # of the body's trailers, which are no part of the request
        self._framing.head_ended(length if coding is None else None)
        keep_alive = not old and self._parser.should_keep_alive()
        self._exchange = Exchange(self, scope, keep_alive, expects_continue)
        task = self._loop.create_task(self._exchange.run(self._app))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    def on_body(self, body: bytes) -> None:
        """Hand it to its request."""
        self._framing.body_came()
        if self._exchange is not None:
            self._exchange.body_came(body)

    def on_message_complete(self) -> None:
        """The request has come."""
        self._framing.message_ended()
        if self._exchange is not None:
            self._exchange.body_ended()

    def answered(self) -> None:
        """Wait for the rest of a body that nobody read, or go on with the next request."""
        self._since = self._loop.time()
        self._server.total_requests += 1
        if not self._transport.is_closing():
            self.flow.resume_reading()
            self._idle()
        self._expect_reading_no_more()
        if self._framing.in_body and not self._transport.is_closing():
            self._stop_waiting_for_rest()
            self._discarded, self._refused = 0, self._exchange
            self._rest_timer = self._loop.call_later(self.settings.body_timeout_s, self._transport.abort)
        elif self._held:
            self._idle_since = None
            self._read(self._held)
        self._note()

    def close(self) -> None:
        """Close, but let a client that is still sending finish and read its answer first (RFC 9112, section 9.6): what
        arrives at a closed socket is answered with a reset, which would take the answer with it."""
        if self._framing.in_body and not self._transport.is_closing():
            self._lingers = True
            self._transport.write_eof()
        else:
            self._transport.close()

    def shutdown(self) -> None:
        """The server ends: nothing new, but what was asked for is answered."""
        if self._exchange is None or self._exchange.complete:
            self.close()
        else:
            self._exchange.keep_alive = False

    def _refuse(self) -> None:
        """Answer what is not HTTP; where an answer is under way already, it is cut."""
        _LOGGER.warning(_REFUSAL)
        begun = self._exchange if self._framing.in_body else None
        if begun is not None and begun.started:
            self._transport.abort()
            return
        self._framing.message_ended()
        self.write(_REFUSED)
        self.close()
        if begun is not None:
            # Its request may have got as far as the app, whose own answer would now be a second one.
            begun.leave()

    def _read(self, data: bytes) -> None:
        """Let the parser have what it may have of it."""
        whole, at = memoryview(data), 0
        try:
            while at < len(data) and not self._lingers and not self._transport.is_closing():
                if self._waits_for_answer():
                    self.flow.pause_reading()  # what comes next waits on the client's side
                    break
                in_body = self._framing.in_body
                end = self._framing.part(data, at)
                if end == at:
                    break
                self._parser.feed_data(whole[at:end] if in_body else _UPGRADE.sub(_IGNORED, data[at:end]))
                at = end
        except (MalformedError, httptools.HttpParserError):
            self._refuse()
            at = len(data)
        self._held = data[at:]

    def _waits_for_answer(self) -> bool:
        """Whether a request has come whole and is not answered."""
        return self._exchange is not None and not self._exchange.complete and not self._framing.in_body

    def _note(self) -> None:
        """Stop the timers of what has come, and start that of what is waited for now."""
        in_body = self._framing.in_body
        if not in_body or self._exchange is not self._refused:  # its end may come with the next one's head
            self._stop_waiting_for_rest()
        if in_body or self._waits_for_answer():
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None
                self._since = self._loop.time()
        elif self._head_timer is None and not self._transport.is_closing():
            if self._held or self._framing.begun:
                self._expect_head()
            elif self._idle_since is None:  # a refused body has come to its end
                self._idle()

    def _idle(self) -> None:
        self._idle_since = self._loop.time()
        if self._idle_timer is None:
            self._idle_timer = self._loop.call_later(self.settings.keep_alive_s, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        """One timer for many requests: it is set for the rest when it finds that there were some."""
        self._idle_timer = None
        if self._idle_since is None:
            return
        rest_s = self._idle_since + self.settings.keep_alive_s - self._loop.time()
        if rest_s > 0:
            self._idle_timer = self._loop.call_later(rest_s, self._look_whether_idle)
        else:
            self._end()

    def _stop_waiting_for_rest(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None

    def _expect_head(self) -> None:
        self._head_timer = self._loop.call_later(self.settings.head_timeout_s, self._end)

    def _end(self) -> None:
        """The client has left something undone for too long."""
        if not self._transport.is_closing():
            self.close()

    def _expect_reading_no_more(self) -> None:
        """Stop the answer's timer once the client has read it but for a buffer's length."""
        done = self._exchange is None or self._exchange.complete
        if done and not self.flow.write_paused and self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None

    def _make_room(self) -> None:
        """Close the connection whose client is waited for longest: the newest may be a probe's."""
        others = (one for one in self._server.connections if isinstance(one, _Connection) and one is not self)
        waited = min((one for one in others if one._waits_for_client()), key=lambda one: one._since, default=self)
        waited._transport.abort()

    def _waits_for_client(self) -> bool:
        return not self._transport.is_closing() and not self._waits_for_answer()
