"""Connections of the server, bounded in number, time and bytes, whatever their clients do or leave undone.

Uvicorn bounds how long a connection may be idle after an answer, and nothing else: half a request's head may stay for
ever, an answer may wait for ever to be read, and its `limit_concurrency` refuses probes like everybody else. So this is
its HTTP/1.1 protocol with a timer for each thing that a client can leave undone, and a bound on the number.
"""

import asyncio
import re
from typing import ClassVar, Final, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from service.one_piece import OnePiece
from service.settings import Settings

MAX_HEAD_BYTES: Final = 16_384
"""Request line and headers together; h11's own default, which it does not apply to what comes in one piece."""
_HEAD_END: Final = re.compile(rb"\n\r?\n")


def protocol(settings: Settings) -> type[H11Protocol]:
    """The class whose instances handle one connection each, for `uvicorn.run(http=...)`."""
    return type("Connection", (_Connection,), {"settings": settings})


class _Connection(H11Protocol):
    settings: ClassVar[Settings]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base class
        """Make room for it and wait for its first request."""
        self._socket, self._lingers = transport, False
        self._whole = OnePiece(transport, lambda: self.conn.our_state is not h11.SEND_BODY, self._close)
        super().connection_made(cast(asyncio.Transport, self._whole))
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
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and note what the client still owes."""
        if self._lingers or self.conn.our_state is h11.DONE:
            self._discarded += len(data)
            if self._discarded > self.settings.max_batch_bytes:
                self.transport.abort()
            if self._lingers or self.transport.is_closing():
                return
        if self.conn.their_state is h11.IDLE and self._is_endless(data):
            self.send_400_response("The request's head is too long.")
            return
        super().data_received(data)
        self._note()

    def on_response_complete(self) -> None:
        """Wait for the rest of a body that nobody read, or for the next request."""
        self._since = self.loop.time()
        super().on_response_complete()
        self._answered()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            self._stop_waiting_for_rest()
            self._discarded, self._refused = 0, self.cycle
            self._rest_timer = self.loop.call_later(self.settings.body_timeout_s, self.transport.abort)
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
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        super().send_400_response(msg)
        if self.cycle is not None:
            # Its request may have got as far as the app, whose own answer would now be an error of ours.
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _close(self) -> None:
        """Close, but let a client that is still sending finish and read its answer first (RFC 9112, section 9.6): what
        arrives at a closed socket is answered with a reset, which would take the answer with it."""
        self._whole.flush()
        if self.conn.their_state is h11.SEND_BODY and not self._socket.is_closing():
            self._lingers = True
            self._socket.write_eof()
        else:
            self._socket.close()

    def _note(self) -> None:
        """Stop the timers of what has come, and start that of a head that has begun."""
        state = self.conn.their_state
        if state is not h11.SEND_BODY or self.cycle is not self._refused:  # its end may come with the next one's head
            self._stop_waiting_for_rest()
        if state is not h11.IDLE:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None
                self._since = self.loop.time()
        elif self._head_timer is None and self.conn.trailing_data[0]:
            self._expect_head()

    def _is_endless(self, data: bytes) -> bool:
        """Whether a head has not ended where it should have. h11 itself asks only of what it cannot read yet."""
        return len(data) > MAX_HEAD_BYTES and not _HEAD_END.search(self.conn.trailing_data[0] + data[:MAX_HEAD_BYTES])

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
        answered = self.cycle is None or self.cycle.response_complete
        return not self.transport.is_closing() and (answered or self.conn.their_state is h11.SEND_BODY)
