"""A connection's transport that sends a small answer in one piece.

Uvicorn writes an answer's head and body one after the other. Each `send` lets go of the interpreter and has to win it
back from the compute threads, which costs more than the system call.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

_LARGE: Final = 65_536
"""Bytes that are sent although more may follow; any answer in JSON is smaller."""


class OnePiece:
    """Holds what is written until the answer ends or is large. Nothing here streams: a slow stream's parts would wait.

    `ends` says after each write whether the answer is whole; `close` replaces the transport's own.
    """

    def __init__(self, transport: asyncio.Transport, ends: Callable[[], bool], close: Callable[[], None]) -> None:
        self._transport, self._ends, self.close = transport, ends, close
        self._held = bytearray()

    def write(self, data: bytes) -> None:
        """Send it with all that is held, or hold it too."""
        self._held += data
        if self._ends() or len(self._held) > _LARGE:
            self.flush()

    def flush(self) -> None:
        """Send what is held."""
        held, self._held = self._held, bytearray()  # the transport may keep what it gets
        if held:
            self._transport.write(held)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
