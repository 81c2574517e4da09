"""Sending a photo and getting the answer, over keep-alive connections, with the HTTP parser Locust's FastHttp uses.

Through Locust's FastHttpSession a request costs about three times the processor time (docs/measurements.md): here each
is one prepared run of bytes. Nothing is ever sent twice, as a second try would hide an error; only a connection that
the server closed while it was idle is replaced before use.
"""

import select
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from gevent import monkey  # type: ignore[import-untyped]  # ships no types
from gevent import socket as gevent_socket
from gevent import ssl as gevent_ssl
from geventhttpclient.response import HTTPSocketResponse

from loadtest.photos.prepared import Photo

_POLL: Final = monkey.get_original("select", "poll")
_SEND_BUFFER_BYTES: Final = 262_144
"""A whole photo fits, so that one system call hands it over."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    content_type: str
    body: bytes


class Client:
    """The connections of one process to one server; any number of greenlets may use it."""

    def __init__(self, url: str, path: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if tls else 80)
        self._tls = gevent_ssl.create_default_context() if tls else None
        extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._head = f"POST {parts.path}{path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: lookout\r\n{extra}"
        self._idle: list[Any] = []

    def request(self, photo: Photo) -> bytes:
        """All the bytes of the request that sends `photo`."""
        head = f"{self._head}Content-Type: {photo.content_type}\r\nContent-Length: {len(photo.data)}\r\n\r\n"
        return head.encode("latin-1") + photo.data

    def exchange(self, request: bytes) -> Answer:
        """Send it, wait for the whole answer. OSError or geventhttpclient's HTTPParseError when there is none."""
        connection = self._take()
        whole = reusable = False
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused half-way: the answer may say why
                connection.sendall(request)
                whole = True
            response = HTTPSocketResponse(connection, block_size=16_384, method="POST")
            body = response.read()
            reusable = whole and not response.should_close()
        finally:
            if reusable:
                self._idle.append(connection)
            else:
                connection.close()
        return Answer(response.status_code, str(response.get("content-type", "")), body)

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if not _readable(connection):
                return connection
            connection.close()
        connection = gevent_socket.create_connection((self._host, self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        if self._tls is None:
            return connection
        try:
            return self._tls.wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise


def _readable(connection: Any) -> bool:
    """An idle connection has nothing to read, unless it was closed."""
    poll = _POLL()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
