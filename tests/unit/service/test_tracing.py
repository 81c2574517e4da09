"""A request's trace: in the log and the answer always, as spans only where a collector is named."""

import io
import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from PIL import Image
from starlette.testclient import TestClient

from lookout import contract
from lookout.errors import LookoutError
from service import trace_context, tracing
from service.opentelemetry_tracer import OpenTelemetryTracer
from service.results import STEPS
from tests.unit.service.conftest import FakeSession

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
JPEG = {"content-type": "image/jpeg"}
ClientFactory = Callable[..., TestClient]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What a service made from now on records."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "from_environment", lambda: OpenTelemetryTracer(provider))
    return exporter


def last_line(capfd: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The access log's, as it is written."""
    line: dict[str, object] = json.loads(capfd.readouterr().err.splitlines()[-1])
    return line


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_callers_trace_is_in_the_log_and_in_the_answer(client: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
    answer = client.post(contract.DETECT_PATH, content=photo(), headers=JPEG | CALLER)
    ours = trace_context.read([(b"traceparent", answer.headers["traceresponse"].encode())])
    assert ours is not None
    assert (ours.trace_id, ours.sampled) == (TRACE, False)
    assert ours.span_id != SPAN
    line = last_line(capfd)
    assert (line["trace_id"], line["span_id"]) == (TRACE, ours.span_id)


def test_a_refused_request_is_in_its_trace_too(client: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
    answer = client.post(contract.DETECT_PATH, content=b"", headers=CALLER)
    assert answer.status_code == 400
    assert TRACE in answer.headers["traceresponse"]
    assert last_line(capfd)["trace_id"] == TRACE


def test_a_request_without_a_trace_gets_none(client: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
    answer = client.post(contract.DETECT_PATH, content=photo(), headers=JPEG)
    assert "traceresponse" not in answer.headers
    assert "trace_id" not in last_line(capfd)


def test_a_request_and_its_stages_become_spans_under_the_caller(
    spans: InMemorySpanExporter, make_client: ClientFactory
) -> None:
    answer = make_client().post(contract.DETECT_PATH, content=photo(), headers=JPEG | CALLER | {"x-request-id": "one"})
    *stages, request = spans.get_finished_spans()
    assert request.name == f"POST {contract.DETECT_PATH}"
    assert request.kind is SpanKind.SERVER
    assert request.parent is not None
    assert (f"{request.parent.trace_id:032x}", f"{request.parent.span_id:016x}") == (TRACE, SPAN)
    assert request.parent.is_remote
    assert dict(request.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": contract.DETECT_PATH,
        "url.path": contract.DETECT_PATH,
        "lookout.request_id": "one",
        "http.response.status_code": 200,
    }
    assert answer.headers["traceresponse"] == f"00-{TRACE}-{request.context.span_id:016x}-01"
    assert [stage.name for stage in stages] == ["intake", "queue", *STEPS]
    for stage in stages:
        assert stage.parent is not None
        assert stage.parent.span_id == request.context.span_id
    times = [moment for stage in stages for moment in interval(stage)]
    begun, ended = interval(request)
    # The two clocks are read one after the other: a millisecond is more than that takes, and less than a muddle makes.
    assert all(later - earlier > -1e6 for earlier, later in zip([begun, *times], [*times, ended], strict=True))


def test_every_photo_of_a_batch_has_its_stages(spans: InMemorySpanExporter, make_client: ClientFactory) -> None:
    files = [("images", ("a.jpg", photo(), "image/jpeg")) for _ in range(3)]
    make_client(threads=2).post(contract.BATCH_PATH, files=files, headers=CALLER)
    finished = spans.get_finished_spans()
    assert sum(span.name == "inference" for span in finished) == 3
    assert {f"{span.context.trace_id:032x}" for span in finished} == {TRACE}


def test_a_failure_of_ours_is_an_error_and_a_mistake_of_the_senders_is_none(
    spans: InMemorySpanExporter, make_client: ClientFactory
) -> None:
    class Breaks(FakeSession):
        warm_ups = 3

        def prepare(self, image: object) -> object:
            self.warm_ups -= 1
            if self.warm_ups < 0:
                raise RuntimeError("broken")
            return image

    client = make_client(session=Breaks)
    assert client.post(contract.DETECT_PATH, content=b"no photo").status_code == 415
    assert spans.get_finished_spans()[-1].status.status_code is StatusCode.UNSET
    assert client.post(contract.DETECT_PATH, content=photo(), headers=JPEG).status_code == 500
    failed = spans.get_finished_spans()[-1]
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == "500"


def test_an_unsampled_trace_is_not_recorded(spans: InMemorySpanExporter, make_client: ClientFactory) -> None:
    answer = make_client().post(
        contract.DETECT_PATH, content=photo(), headers=JPEG | {"traceparent": f"00-{TRACE}-{SPAN}-00"}
    )
    assert answer.headers["traceresponse"].startswith(f"00-{TRACE}-")
    assert answer.headers["traceresponse"].endswith("-00")
    assert spans.get_finished_spans() == ()


def test_probes_and_pages_are_not_traced(spans: InMemorySpanExporter, make_client: ClientFactory) -> None:
    client = make_client()
    for path in ("/livez", "/readyz", "/metrics", "/", contract.MODEL_PATH):
        assert "traceresponse" not in client.get(path, headers=CALLER).headers
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize(
    "environment",
    [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"}],
)
def test_tracing_is_off_unless_a_collector_is_named(environment: dict[str, str]) -> None:
    assert isinstance(tracing.from_environment(environment), tracing.Passing)


def test_a_protocol_that_we_do_not_speak_is_refused() -> None:
    with pytest.raises(LookoutError, match="OTEL_EXPORTER_OTLP_PROTOCOL='grpc'"):
        tracing.from_environment(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
        )


def test_off_means_that_none_of_it_is_even_imported() -> None:
    asks = "import service.app, sys; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def interval(span: ReadableSpan) -> tuple[int, int]:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time, span.end_time
