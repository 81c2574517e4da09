"""Messages between the HTTP process and its workers: a small JSON header, and bytes beside it.

A worker decodes what strangers send. It is believed no more than a file: nothing here is pickle.
"""

import socket
import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

_LENGTHS: Final = struct.Struct("!IQ")
"""Of the header and of all parts together, before both."""


class Frame(NamedTuple):
    """One message."""

    header: dict[str, Any]
    parts: Sequence[Any] = ()
    """To be sent, `bytes` or a memoryview of them each; as received, `bytes`."""


def pieces(frame: Frame) -> list[Any]:
    """The frame as it goes over the socket."""
    lengths = [len(part) for part in frame.parts]
    header = to_json([frame.header, lengths])
    return [_LENGTHS.pack(len(header), sum(lengths)) + header, *frame.parts]


class Reader:
    """Frames out of bytes that come bit by bit."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole with these bytes."""
        held, at = self._held, 0
        if held:
            held += data
        come: bytes | bytearray = held or data
        while len(come) - at >= _LENGTHS.size:
            header, parts = _LENGTHS.unpack_from(come, at)
            start = at + _LENGTHS.size + header
            if len(come) < start + parts:
                break
            said, lengths = from_json(bytes(come[at + _LENGTHS.size : start]))
            at = start + parts
            yield Frame(said, [bytes(come[start + end - length : start + end]) for length, end in _ends(lengths)])
        if come is held:
            del held[:at]
        elif at < len(data):
            held += data[at:]


def send(connection: socket.socket, frame: Frame) -> None:
    """Send it whole; waits until it is."""
    first, *rest = pieces(frame)
    if sum(map(len, rest)) < 65_536:  # one system call is cheaper than no copy
        connection.sendall(b"".join((first, *rest)))
        return
    for piece in (first, *rest):
        connection.sendall(piece)


def receive(connection: socket.socket) -> Frame | None:
    """The next frame; waits for it. None when the other side has gone."""
    lengths = _exactly(connection, _LENGTHS.size)
    if lengths is None:
        return None
    header, _ = _LENGTHS.unpack(lengths)
    content = _exactly(connection, header)
    if content is None:
        return None
    said, each = from_json(content)
    parts = [_exactly(connection, length) for length in each]
    return None if None in parts else Frame(said, [part for part in parts if part is not None])


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    """So many bytes, as a rule in one call and never copied; None when the other side goes before they are there."""
    parts: list[bytes] = []
    while count:
        part = connection.recv(count, socket.MSG_WAITALL)
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _ends(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip(lengths, accumulate(lengths), strict=True)
