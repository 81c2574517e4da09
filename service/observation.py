"""What every API request leaves behind: an id, metrics and one structured log line; never a byte of its image."""

import json
import logging
import os
import random
import re
import time
import traceback
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookout import contract
from service import problems, trace_context, tracing
from service.health import Health, Phase
from service.metrics import Metrics
from service.trace_context import TraceContext
from service.tracing import Tracer

LOGGER: Final = logging.getLogger("lookout.access")
API_PATHS: Final = frozenset(
    {contract.DETECT_PATH, contract.BATCH_PATH, contract.RENDER_PATH, contract.EXPLAIN_PATH, contract.OIP_INFER_PATH}
)
_STANDARD_ERROR: Final = 2
_JSON: Final = json.JSONEncoder(check_circular=False)
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
        """Handle one connection of the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        counted = scope["path"] in API_PATHS and scope["method"] == "POST"
        seen = {"status": 0, "bytes": 0}
        started = time.perf_counter()
        caller = trace_context.read(scope["headers"]) if counted else None
        span = self._tracer.begin(caller, scope["path"], request_id) if counted else None
        own = span.context if span else None

        async def count(message_from: Receive = receive) -> Message:
            message = await message_from()
            seen["bytes"] += len(message.get("body", b""))
            return message

        async def add_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                added = [(b"x-request-id", request_id.encode()), *_SECURITY]
                if own:
                    added.append((trace_context.RESPONSE_HEADER, own.header()))
                if self._health.phase is Phase.DRAINING:
                    # The client opens its next connection elsewhere, before the server has to cut this one.
                    added.append((b"connection", b"close"))
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        if counted:
            self._metrics.in_flight.inc()
        current = tracing.CURRENT.set(span)
        try:
            await self._app(scope, count, add_headers)
        except Exception:  # noqa: BLE001  # the last to hear of it: logged once here, and by nobody else
            event(logging.ERROR, "internal-error", request_id=request_id, trace=traceback.format_exc())
            if not seen["status"]:  # else the answer is under way, and the server cuts it
                answer = problems.answer(problems.internal(), scope["path"], request_id)
                await answer(scope, receive, add_headers)
        finally:
            tracing.CURRENT.reset(current)
            if counted:
                self._metrics.in_flight.dec()
                seen["status"] = seen["status"] or 500  # the client went away before there was an answer
                seconds = time.perf_counter() - started
                self._metrics.count_request(seen["status"], seconds)
                _log(scope, request_id, seen, seconds, own)
            if span:
                span.end(seen["status"])


class Lines(logging.Handler):
    """Writes each message as a line of its own to a file descriptor: nothing is held back, and what is no longer than
    a pipe's atomic write is never torn, whoever else writes there."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, all of it."""
        line = (record.getMessage() + "\n").encode()
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError:
            self.handleError(record)


def configure_logging(level: str) -> None:
    """Send the service's log lines to standard error as they are: one JSON object a line."""
    logger = logging.getLogger("lookout")
    if not logger.handlers:
        logger.addHandler(Lines(_STANDARD_ERROR))
    logger.propagate = False
    logger.setLevel(level)
    # No line says where in the code it was written, or by which thread and process: finding out takes half of its time.
    # (docs.python.org/3/howto/logging.html#optimization)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    vars(logging)["_srcfile"] = None


def event(level: int, name: str, **fields: object) -> None:
    """Log one structured event."""
    logging.getLogger("lookout.service").log(level, json.dumps({"event": name, **fields}))


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text: str = value.decode("latin-1")
            if _ID.fullmatch(text):
                return text
    return f"{_IDS.getrandbits(128):032x}"


def _log(scope: Scope, request_id: str, seen: dict[str, int], seconds: float, context: TraceContext | None) -> None:
    line = {
        "event": "request",
        "request_id": request_id,
        **({"trace_id": context.trace_id, "span_id": context.span_id} if context else {}),
        "method": scope["method"],
        "path": scope["path"],
        "status": seen["status"],
        "duration_ms": round(seconds * 1000, 2),
        "bytes_in": seen["bytes"],
        **scope["state"].get("log", {}),
    }
    LOGGER.info(_JSON.encode(line))
