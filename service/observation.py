"""What every API request leaves behind: an id, metrics and one structured log line; never a byte of its image."""

import logging
import os
import random
import re
import time
import traceback
from contextlib import suppress
from typing import Final

from pydantic_core import to_json
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookout import contract
from service import problems, trace_context, tracing
from service.health import Health, Phase
from service.metrics import Metrics
from service.trace_context import TraceContext
from service.tracing import Tracer

LOGGER: Final = logging.getLogger("lookout.access")
"""Its level decides whether requests are logged."""
API_PATHS: Final = frozenset(
    {contract.DETECT_PATH, contract.BATCH_PATH, contract.RENDER_PATH, contract.EXPLAIN_PATH, contract.OIP_INFER_PATH}
)
_STANDARD_ERROR: Final = 2
_IDS: Final = random.Random()  # noqa: S311  # seeded by the system once: an id is no secret, and asking each time is dear
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECURITY: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
            b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    ),
]


class Observation:
    """ASGI middleware around the whole app. The request id is taken from X-Request-ID when it is a plain token."""

    def __init__(self, app: ASGIApp, metrics: Metrics, health: Health, tracer: Tracer) -> None:
        self._app, self._metrics, self._health, self._tracer = app, metrics, health, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        if scope["path"] not in API_PATHS or scope["method"] != "POST":
            await self._answered(_Seen(receive, send, self._health, request_id, None), scope)
            return
        started = time.perf_counter()
        span = self._tracer.begin(trace_context.read(scope["headers"]), scope["path"], request_id)
        seen = _Seen(receive, send, self._health, request_id, span.context)
        self._metrics.in_flight.inc()
        current = tracing.CURRENT.set(span)
        try:
            await self._answered(seen, scope)
        finally:
            tracing.CURRENT.reset(current)
            self._metrics.in_flight.dec()
            status = seen.status or 500  # the client went away before there was an answer
            seconds = time.perf_counter() - started
            self._metrics.later(self._metrics.count_request, status, seconds)
            _log(scope, status, seconds, seen)
            span.end(status)

    async def _answered(self, seen: "_Seen", scope: Scope) -> None:
        try:
            await self._app(scope, seen.receive, seen.send)
        except Exception:  # noqa: BLE001  # the last to hear of it: logged once here, and by nobody else
            event(logging.ERROR, "internal-error", request_id=seen.request_id, trace=traceback.format_exc())
            if not seen.status:  # else the answer is under way, and the server cuts it
                answer = problems.answer(problems.internal(), scope["path"], seen.request_id)
                await answer(scope, seen.receive, seen.send)


class _Seen:
    """What goes by of one request and its answer, to which it adds what every answer has."""

    def __init__(
        self, receive: Receive, send: Send, health: Health, request_id: str, context: TraceContext | None
    ) -> None:
        self._receive, self._send, self._health = receive, send, health
        self.request_id, self.context = request_id, context
        self.status = self.bytes_in = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self.bytes_in += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], (b"x-request-id", self.request_id.encode()), *_SECURITY]
            if self.context:
                headers.append((trace_context.RESPONSE_HEADER, self.context.header()))
            if self._health.phase is Phase.DRAINING:
                # The client opens its next connection elsewhere, before the server has to cut this one.
                headers.append((b"connection", b"close"))
            message["headers"] = headers
        await self._send(message)


def note(request: Request, **fields: object) -> None:
    """Have the request's log line say this, too."""
    request.scope["state"]["log"] = fields


class Lines(logging.Handler):
    """Writes each message as a line of its own to a file descriptor."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        """Write it."""
        write_line(self._descriptor, record.getMessage().encode())


def write_line(descriptor: int, line: bytes) -> None:
    """Write all of it: nothing is held back, and what is no longer than a pipe's atomic write is never torn, whoever
    else writes there. A reader who left is no error of a request's."""
    line += b"\n"
    with suppress(OSError):
        while line:
            line = line[os.write(descriptor, line) :]


def configure_logging(level: str) -> None:
    """Send the service's log lines to standard error as they are: one JSON object a line."""
    logger = logging.getLogger("lookout")
    if not logger.handlers:
        logger.addHandler(Lines(_STANDARD_ERROR))
    logger.propagate = False
    logger.setLevel(level)


def event(level: int, name: str, **fields: object) -> None:
    """Log one structured event."""
    logging.getLogger("lookout.service").log(level, to_json({"event": name, **fields}).decode())


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text: str = value.decode("latin-1")
            if _ID.fullmatch(text):
                return text
    return f"{_IDS.getrandbits(128):032x}"


def _log(scope: Scope, status: int, seconds: float, seen: _Seen) -> None:
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    context = seen.context
    line = {
        "event": "request",
        "request_id": seen.request_id,
        **({"trace_id": context.trace_id, "span_id": context.span_id} if context else {}),
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "duration_ms": round(seconds * 1000, 2),
        "bytes_in": seen.bytes_in,
        **scope["state"].get("log", {}),
    }
    # Past the logger: its record of where, when and by whom was dearer than all the rest of the line.
    write_line(_STANDARD_ERROR, to_json(line))
