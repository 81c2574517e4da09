"""Where the parts of a connection's requests end: so that a parser without bounds gets no more than it should see.

httptools has no bound on a head, parses at once whatever requests follow, and takes more request lines than RFC 9112
has. So it is given a head when that is whole, then its body, and nothing further until the request is answered.
"""

import re
from typing import Final

MAX_HEAD_BYTES: Final = 16_384
"""Request line and headers together; also what may come around a chunked body at a time, such as its trailers."""
_END: Final = re.compile(rb"\n\r?\n")
"""Of a head and of a chunked body. The parser refuses the one without CR; here it only ends the waiting for another."""
_OPENING: Final = re.compile(rb"[\r\n]*(?:[!-~]+ [!-~]+ HTTP/1\.[01]\r\n|\Z)")
_FIRST: Final = b"\r\nABCDEFGHIJKLMNOPQRSTUVWXYZ"


class MalformedError(ValueError):
    """No request comes of this."""


class Framing:
    """The place in one connection's requests. Its owner says what the parser found, and is told what to hand it."""

    def __init__(self) -> None:
        self.in_body = False
        """Between a head and the end of its message."""
        self.begun = 0
        """Bytes since the last message, or since the last byte of a chunked body."""
        self._left: int | None = 0

    def head_ended(self, body_bytes: int | None) -> None:
        """A head was read; None for a body that is chunked."""
        self.in_body, self.begun, self._left = True, 0, body_bytes

    def body_came(self) -> None:
        """At least a byte of a body was read."""
        self.begun = 0

    def message_ended(self) -> None:
        """A request was read to its end."""
        self.in_body, self.begun = False, 0

    def part(self, data: bytes, at: int) -> int:
        """Where the part of `data` ends that begins at `at`; `at` itself when more must come first. MalformedError for
        what is too long or no HTTP/1."""
        if not self.in_body:
            return self._head(data, at)
        if self._left is None:
            return self._chunks(data, at)
        end = min(len(data), at + self._left)
        self._left -= end - at
        return end

    def _head(self, data: bytes, at: int) -> int:
        found = _END.search(data, at)
        end = found.end() if found else at
        if self.begun + (end if found else len(data)) - at > MAX_HEAD_BYTES:
            raise MalformedError("a head without end")
        if data[at] not in _FIRST or (found and not _OPENING.match(data, at, end)):
            raise MalformedError("no request line of HTTP/1")
        self.begun += end - at  # of empty lines; a head begins anew
        return end

    def _chunks(self, data: bytes, at: int) -> int:
        if self.begun > MAX_HEAD_BYTES:
            raise MalformedError("more around a body than in it")
        found = _END.search(data, at)
        end = found.end() if found else max(at, len(data) - 2)  # the beginning of an end waits for the rest of it
        self.begun += end - at
        return end
