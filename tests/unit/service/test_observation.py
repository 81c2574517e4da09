"""How a log line reaches its reader: whole, at once, and as nothing but itself."""

import logging
import os
import threading

import pytest

from service.observation import Lines


def written(*messages: str) -> bytes:
    """What a reader at the other end sees of these messages."""
    reader, writer = os.pipe()
    handler, found = Lines(writer), bytearray()

    def read() -> None:
        while piece := os.read(reader, 1_000):
            found.extend(piece)

    reading = threading.Thread(target=read)
    reading.start()
    for message in messages:
        handler.emit(logging.makeLogRecord({"msg": message}))
    os.close(writer)
    reading.join()
    os.close(reader)
    return bytes(found)


def test_each_message_is_a_line() -> None:
    assert written('{"a": 1}', "100 % é") == '{"a": 1}\n100 % é\n'.encode()


def test_a_line_longer_than_a_pipe_holds_arrives_whole() -> None:
    long = "x" * 300_000
    assert written(long, "next") == f"{long}\nnext\n".encode()


def test_a_reader_who_left_is_no_error_of_the_request_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    reader, writer = os.pipe()
    os.close(reader)
    Lines(writer).emit(logging.makeLogRecord({"msg": "unheard"}))
    os.close(writer)
