"""The generator's HTTP client: connections are reused, dead ones replaced, and nothing is ever sent twice."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError

from loadtest.generator.client import Client
from loadtest.photos.prepared import Photo

pytestmark = pytest.mark.loopback

PHOTO = Photo("cat", b"x" * 200_000, "image/jpeg", 1, 1)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Counts connections and whole requests; `after` says what becomes of a connection when a request is in."""

    def __init__(self, after: Callable[[socket.socket], bool]) -> None:
        self.connections = 0
        self.requests = 0
        self._after = after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while self._read(connection):
                self.requests += 1
                if not self._after(connection):
                    return

    def _read(self, connection: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < len(PHOTO.data):
            part = connection.recv(65_536)
            if not part:
                return False
            data += part
        assert data.endswith(PHOTO.data)
        return True


@contextmanager
def _talking(after: Callable[[socket.socket], bool]) -> Iterator[tuple[Server, Client]]:
    server = Server(after)
    client = Client(server.url, "/v1/detect", {"X-Test": "yes"})
    try:
        yield server, client
    finally:
        client.close()
        server.close()


def _stays(connection: socket.socket) -> bool:
    connection.sendall(ANSWER)
    return True


def _closes(connection: socket.socket) -> bool:
    connection.sendall(ANSWER)
    return False


def test_a_connection_is_used_again() -> None:
    with _talking(_stays) as (server, client):
        for _ in range(3):
            assert client.exchange(client.request(PHOTO)) == (200, "application/json", b"{}")
        assert (server.connections, server.requests) == (1, 3)


def test_a_connection_that_was_closed_while_idle_is_no_error() -> None:
    with _talking(_closes) as (server, client):
        for _ in range(3):
            assert client.exchange(client.request(PHOTO)).status == 200
            time.sleep(0.05)
        assert (server.connections, server.requests) == (3, 3)


def test_a_request_that_gets_no_answer_is_an_error_and_not_sent_again() -> None:
    with _talking(lambda _connection: False) as (server, client):
        with pytest.raises(HTTPConnectionClosed):
            client.exchange(client.request(PHOTO))
        time.sleep(0.05)
        assert (server.connections, server.requests) == (1, 1)


def test_an_answer_that_comes_before_the_photo_is_in_is_read() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(ANSWER.replace(b"200 OK", b"413 Content Too Large"))
            time.sleep(0.1)  # closed with the photo unread, which resets the connection

    threading.Thread(target=refuse, daemon=True).start()
    client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}", "/", {})
    huge = PHOTO._replace(data=b"x" * 20_000_000)
    with listener:
        assert client.exchange(client.request(huge)).status == 413
    assert not client._idle


def test_half_an_answer_is_an_error_and_its_connection_is_given_up() -> None:
    halves = [ANSWER[:-1], ANSWER]

    def half(connection: socket.socket) -> bool:
        connection.sendall(halves.pop(0))
        return False

    with _talking(half) as (server, client):
        with pytest.raises(HTTPParseError):
            client.exchange(client.request(PHOTO))
        assert client.exchange(client.request(PHOTO)).body == b"{}"
        assert server.connections == 2
