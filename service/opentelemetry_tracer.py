"""Spans by OpenTelemetry's SDK, sent over OTLP/HTTP; imported only where a collector is named.

Everything but the service's name is configured by OpenTelemetry's own variables: sampler, headers, timeout, resource
attributes. The provider is ours alone: what else in the process uses OpenTelemetry keeps its own.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from lookout import contract
from lookout.errors import LookoutError
from service import tracing
from service.observation import event
from service.results import Look
from service.trace_context import TraceContext

PROTOCOL: Final = "http/protobuf"
_LAST_WORDS_S: Final = 3.0
"""The SDK's own retries go on for three times that, twice."""


def exporting(environment: Mapping[str, str]) -> "OpenTelemetryTracer":
    """A tracer that sends to the collector which the environment names. LookoutError for a protocol we do not speak."""
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if environment.get(name, PROTOCOL) != PROTOCOL:
            raise LookoutError(f"{name}={environment[name]!r} is not supported", f"set it to {PROTOCOL}, or not at all")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # brings an HTTP client along

    logger = logging.getLogger("opentelemetry")
    logger.addHandler(_AsEvents())
    logger.propagate = False
    provider = TracerProvider(resource=_resource(environment), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetryTracer(provider)


class OpenTelemetryTracer:
    """A Tracer over a provider."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider, self._tracer = provider, provider.get_tracer("lookout")

    def begin(self, parent: TraceContext | None, path: str, request_id: str) -> "RecordedSpan":
        """As in Tracer. Names and attributes by the semantic conventions for HTTP servers."""
        attributes = {
            "http.request.method": "POST",
            "http.route": path,
            "url.path": path,
            "lookout.request_id": request_id,
        }
        context = trace.set_span_in_context(_remote(parent)) if parent else None
        return RecordedSpan(
            self._tracer, self._tracer.start_span(f"POST {path}", context, SpanKind.SERVER, attributes=attributes)
        )

    def close(self) -> None:
        """Send what is left, as far as a collector takes it at once: one that is away must not keep a pod."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(_LAST_WORDS_S)


class RecordedSpan:
    """A Span that is sent when it has ended."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer, self._span = tracer, span
        own = span.get_span_context()
        self.context: TraceContext | None = TraceContext(
            trace.format_trace_id(own.trace_id), trace.format_span_id(own.span_id), own.trace_flags.sampled
        )

    def stages(self, look: Callable[[], Look]) -> None:
        """As in Span."""
        wall_ns, now_s = time.time_ns(), time.perf_counter()
        for name, start_s, end_s in tracing.parts(look()):
            part = self._tracer.start_span(
                name, trace.set_span_in_context(self._span), start_time=wall_ns - round((now_s - start_s) * 1e9)
            )
            part.end(wall_ns - round((now_s - end_s) * 1e9))

    def end(self, status: int) -> None:
        """As in Span. Only the server's own failures are errors of its span."""
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))
            self._span.set_attribute("error.type", str(status))
        self._span.end()


class _AsEvents(logging.Handler):
    """What the SDK has to say, as lines of our log."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        event(record.levelno, "telemetry", message=record.getMessage())


def _remote(parent: TraceContext) -> NonRecordingSpan:
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    return NonRecordingSpan(SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), True, flags))


def _resource(environment: Mapping[str, str]) -> Resource:
    # The SDK reads OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES; ours is the name for whoever sets neither.
    named = "OTEL_SERVICE_NAME" in environment or f"{SERVICE_NAME}=" in environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({} if named else {SERVICE_NAME: contract.DETECTOR})
