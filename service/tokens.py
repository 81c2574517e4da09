"""Optional bearer tokens for what makes the service work: without one that is known, no body is even read."""

import hashlib
import hmac
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from lookout import contract
from lookout.errors import LookoutError
from service import problems
from service.observation import API_PATHS


def read_tokens(path: Path) -> frozenset[bytes]:
    """Digests of the tokens in a file: one a line, blank lines and lines that start with # apart.

    LookoutError when the file cannot be read, or holds no token or one that is too short: a service that was told to
    ask for tokens never serves without.
    """
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise LookoutError(f"the file of API tokens {path} cannot be read", "write one token a line into it") from error
    tokens = [line for line in lines if line and not line.startswith("#")]
    if not tokens:
        raise LookoutError(f"the file of API tokens {path} holds none", "write one token a line into it")
    for place, token in enumerate(tokens, 1):
        if len(token) < contract.API_TOKEN_SHORTEST or not token.isascii() or any(sign.isspace() for sign in token):
            raise LookoutError(
                f"token {place} of {path} is not {contract.API_TOKEN_SHORTEST} or more ASCII characters without spaces",
                "make one with: openssl rand -hex 32",
            )
    return frozenset(_digest(token.encode()) for token in tokens)


class TokenGate:
    """ASGI middleware: POSTs to the API need a known token. Pages, metadata, probes and metrics need none."""

    def __init__(self, app: ASGIApp, tokens: frozenset[bytes]) -> None:
        self._app, self._tokens = app, tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] != "http" or scope["path"] not in API_PATHS or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("authorization", "")
        if self._known(given):
            await self._app(scope, receive, send)
            return
        refused = problems.answer(problems.no_token(bool(given)), scope["path"], scope["state"]["request_id"])
        await refused(scope, receive, send)

    def _known(self, header: str) -> bool:
        kind, _, token = header.partition(" ")
        digest = _digest(token.strip().encode("latin-1"))
        # Digests of one length, all compared, each in constant time: how long it takes says nothing of any token.
        matches = [hmac.compare_digest(digest, known) for known in self._tokens]
        return kind.lower() == "bearer" and any(matches)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
