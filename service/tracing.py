"""Traces of requests: ids that go along with a request, and spans of its stages where somebody collects them.

OpenTelemetry is off unless its own variable `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector; off, we import none of it
and send nothing.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from itertools import pairwise
from typing import Final, Protocol

from service.results import STEPS, Look
from service.trace_context import TraceContext

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
OFF: Final = "OTEL_SDK_DISABLED"


class Span(Protocol):
    """A request's own work in its trace."""

    context: TraceContext | None
    """None for a request that came without a trace and is not recorded."""

    def stages(self, look: Callable[[], Look]) -> None:
        """One of its photos, whose stages are parts of it."""
        ...

    def end(self, status: int) -> None:
        """It was answered with this status."""
        ...


class Tracer(Protocol):
    """Makes spans."""

    def begin(self, parent: TraceContext | None, path: str, request_id: str) -> Span:
        """The span of a POST to `path`, a constant path of the API."""
        ...

    def close(self) -> None:
        """Send what is left."""
        ...


CURRENT: Final[ContextVar[Span | None]] = ContextVar("span", default=None)
"""The request that is worked on."""


class Passing:
    """Records nothing: a caller's trace goes through the log, and back in the answer."""

    def begin(self, parent: TraceContext | None, path: str, request_id: str) -> Span:
        """As in Tracer."""
        del path, request_id
        return _Passed(parent.child() if parent else None)

    def close(self) -> None:
        """Nothing is left."""


class _Passed:
    def __init__(self, context: TraceContext | None) -> None:
        self.context = context

    def stages(self, look: Callable[[], Look]) -> None:
        """Recorded by nobody."""

    def end(self, status: int) -> None:
        """Recorded by nobody."""


def from_environment(environment: Mapping[str, str] | None = None) -> Tracer:
    """The tracer that the environment asks for. LookoutError when it asks for what we do not have."""
    source = os.environ if environment is None else environment
    if source.get(OFF, "").lower() == "true" or not any(source.get(name) for name in ENDPOINTS):
        return Passing()
    from service import opentelemetry_tracer

    return opentelemetry_tracer.exporting(source)


def stages(look: Callable[[], Look]) -> None:
    """Record the stages of one photo, whose look is taken where somebody records it, in the trace of its request."""
    span = CURRENT.get()
    if span is not None:
        span.stages(look)


def parts(look: Look) -> Iterator[tuple[str, float, float]]:
    """The stages of one photo: name, start and end on the clock of `time.perf_counter`."""
    if look.intake_s:
        yield "intake", look.arrived_s - look.intake_s, look.arrived_s
    for name, (start_s, end_s) in zip(("queue", *STEPS), pairwise((look.arrived_s, *look.marks_s)), strict=True):
        yield name, start_s, end_s
