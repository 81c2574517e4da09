"""A large answer on its way to a client that may read slowly."""

from contextlib import ExitStack

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_PIECE_BYTES = 65_536
"""As much as the server buffers before it waits for the client."""


class HeldResponse(Response):
    """Bytes that count as held until the client has taken them, sent in pieces: whole, they would lie in the server's
    own buffer, which nobody counts, for as long as the client pleases."""

    def __init__(self, content: bytes, media_type: str, headers: dict[str, str], held: ExitStack) -> None:
        super().__init__(content, media_type=media_type, headers=headers)
        self._held = held

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it, and close what is held for it in the end."""
        with self._held:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for start in range(0, len(self.body), _PIECE_BYTES):
                piece = self.body[start : start + _PIECE_BYTES]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
