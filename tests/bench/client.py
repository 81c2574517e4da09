"""The client of closed loop: connections that each send the next photo when the last answer has come.

One thread over epoll with prepared requests: processor time that it takes is taken from the server on the same machine.
It takes a third of what the load generator's own connection would (loadtest/generator/client.py, which also has to keep
a schedule), and every round says how much that was.
"""

import math
import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import httptools

from lookout.contract import DETECT_PATH

_PATIENCE_S: Final = 30.0
_PAUSE_AFTER_ERROR_S: Final = 0.1
"""A refused connection fails in microseconds: without a pause the loop would spin on it."""
_SEND_BUFFER_BYTES: Final = 262_144
"""A whole photo fits, so that one system call hands it over."""
_READ_BYTES: Final = 65_536
_OK: Final = 200


class Sample(NamedTuple):
    """One request."""

    started_s: float
    """On the clock of `time.perf_counter`, as `ended_s`."""
    ended_s: float
    correct: bool


class Seen(NamedTuple):
    """What the client saw in a while: the requests that ended in it."""

    samples: Sequence[Sample]
    seconds: float
    client_s: float
    """Processor time of the client."""


class Measured(NamedTuple):
    """Figures of one or more such whiles."""

    per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    requests: int
    errors: int
    cores: float


def saturate(url: str, photos: Sequence[bytes], connections: int, seconds: float, warm_s: float) -> Seen:
    """Ask for `warm_s` + `seconds`, each photo in turn, and see the latter part."""
    parts = urlsplit(url)
    head = f"POST {DETECT_PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: image/jpeg\r\nContent-Length: "
    requests = [f"{head}{len(photo)}\r\n\r\n".encode() + photo for photo in photos]
    begins = time.perf_counter() + warm_s
    ends = begins + seconds
    with select.epoll() as poll:
        loop = _Loop(poll, ends)
        for first in range(connections):
            loop.ask(_Connection((parts.hostname or "", parts.port or 80), requests, first))
        loop.until(begins)
        before_s = time.process_time()
        loop.until(ends)
        client_s = time.process_time() - before_s
        loop.finish()
    within = [one for one in loop.samples if begins <= one.ended_s < ends]
    return Seen(within, seconds, client_s)


def measure(seen: Sequence[Seen]) -> Measured:
    """All of it together. Latencies are NaN where nothing was answered."""
    samples = [sample for one in seen for sample in one.samples]
    times = sorted(one.ended_s - one.started_s for one in samples if one.correct)
    seconds = sum(one.seconds for one in seen)
    return Measured(
        per_s=len(times) / seconds,
        p50_ms=_percentile(times, 0.50) * 1000,
        p99_ms=_percentile(times, 0.99) * 1000,
        max_ms=_percentile(times, 1.0) * 1000,
        requests=len(samples),
        errors=len(samples) - len(times),
        cores=sum(one.client_s for one in seen) / seconds,
    )


class _Connection:
    """One request at a time. Also what its parser calls."""

    def __init__(self, address: tuple[str, int], requests: Sequence[bytes], number: int) -> None:
        self._address, self._requests = address, requests
        self._number = number
        """Of the next photo."""
        self._socket: socket.socket | None = None
        self._unsent = memoryview(b"")
        self._complete = self._lasts = False
        """Whether the answer is whole, and whether the connection stays open after it."""
        self.started_s = 0.0

    def ask(self, poll: select.epoll) -> int:
        """Send the next photo, as far as the socket takes it, and return the descriptor. OSError."""
        self.started_s, self._complete = time.perf_counter(), False
        self._unsent = memoryview(self._requests[self._number % len(self._requests)])
        self._number += 1
        if self._socket is None:
            self._socket = socket.create_connection(self._address, _PATIENCE_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            self._socket.setblocking(False)
            self._parser = httptools.HttpResponseParser(self)
            poll.register(self._socket, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        self._push(self._socket)
        return self._socket.fileno()

    def go_on(self) -> bool | None:
        """Send and read what there is; whether the answer was correct, None while it is not whole. OSError, or
        HttpParserError."""
        assert self._socket is not None  # it was asked
        self._push(self._socket)
        with suppress(BlockingIOError):
            while not self._complete:
                data = self._socket.recv(_READ_BYTES)
                if not data:
                    raise ConnectionResetError
                self._parser.feed_data(data)
        if not self._complete:
            return None
        if self._unsent or not self._lasts:
            self.close()
        return bool(self._parser.get_status_code() == _OK)

    def close(self) -> None:
        """The next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def on_message_complete(self) -> None:
        """Of the parser, which forgets the headers afterwards."""
        self._complete, self._lasts = True, self._parser.should_keep_alive()

    def _push(self, connection: socket.socket) -> None:
        with suppress(BlockingIOError):
            while self._unsent:
                self._unsent = self._unsent[connection.send(self._unsent) :]


class _Loop:
    def __init__(self, poll: select.epoll, ends_s: float) -> None:
        self._poll, self._ends_s = poll, ends_s
        """Nothing is asked after that."""
        self._asked: dict[int, _Connection] = {}
        """By descriptor."""
        self._resting: deque[tuple[float, _Connection]] = deque()
        """Until when, after an error."""
        self.samples: list[Sample] = []

    def ask(self, one: _Connection) -> None:
        """Have it send its next photo."""
        try:
            self._asked[one.ask(self._poll)] = one
        except OSError:
            self._ended(one, correct=False)

    def until(self, ends_s: float) -> None:
        """Go on until that moment."""
        while (now := time.perf_counter()) < ends_s:
            while self._resting and self._resting[0][0] <= now:
                self.ask(self._resting.popleft()[1])
            wakes_s = min(ends_s, self._resting[0][0]) if self._resting else ends_s
            self._turn(wakes_s)

    def finish(self) -> None:
        """Wait for what was asked."""
        patience_ends_s = time.perf_counter() + _PATIENCE_S
        while self._asked and time.perf_counter() < patience_ends_s:
            self._turn(patience_ends_s)
        for one in self._asked.values():
            one.close()

    def _turn(self, wakes_s: float) -> None:
        for descriptor, _ in self._poll.poll(max(0.0, wakes_s - time.perf_counter())):
            one = self._asked.get(descriptor)
            if one is None:
                continue  # of a connection that was closed since
            try:
                correct = one.go_on()
            except (OSError, httptools.HttpParserError):
                correct = False
            if correct is not None:
                del self._asked[descriptor]
                self._ended(one, correct)

    def _ended(self, one: _Connection, correct: bool) -> None:
        now = time.perf_counter()
        self.samples.append(Sample(one.started_s, now, correct))
        if not correct or now >= self._ends_s:
            one.close()
        if now >= self._ends_s:
            return
        if correct:
            self.ask(one)
        else:
            self._resting.append((now + _PAUSE_AFTER_ERROR_S, one))


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all are not above (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan
