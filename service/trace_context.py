"""W3C trace context: which trace a request belongs to, by its header `traceparent`, and what the answer says of it.

https://www.w3.org/TR/trace-context/ for `traceparent`; `traceresponse`, with the ids of the work that answered, is from
the editors' draft of its next level.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

REQUEST_HEADER: Final = b"traceparent"
RESPONSE_HEADER: Final = b"traceresponse"
_HEADER: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True)
class TraceContext:
    """One piece of work in a trace."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    sampled: bool

    def child(self) -> "TraceContext":
        """Work of ours within this one, which nobody records."""
        return TraceContext(self.trace_id, secrets.token_hex(8), sampled=False)

    def header(self) -> bytes:
        """The value that names it."""
        return f"00-{self.trace_id}-{self.span_id}-{self.sampled:02d}".encode()


def read(headers: Iterable[tuple[bytes, bytes]]) -> TraceContext | None:
    """The caller's work, from the headers of an ASGI request. None without the header, with two, or with a wrong one:
    the standard has such a request begin a trace of its own."""
    given = [value for name, value in headers if name == REQUEST_HEADER]
    match = _HEADER.fullmatch(given[0]) if len(given) == 1 else None
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    # Later versions may say more at the end; the first one has nothing there, and ff is none.
    if version == b"ff" or (version == b"00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceContext(trace_id.decode(), span_id.decode(), sampled=bool(int(flags, 16) & 1))
