"""Spans of a real service process reach a real collector's address over OTLP, and only where one is named."""

import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from lookout import contract
from service.model.photos import sample_photos
from tests.loopback.known_service import known

pytestmark = pytest.mark.loopback

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """Takes what is sent to 127.0.0.1 and keeps its spans."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.spans: list[Span] = []
        self.services: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # http.server's name
                collector.take(self.path, self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
                """Nothing on screen."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, path: str, body: bytes) -> None:
        self.requests.append(path)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {
                one.value.string_value for one in resource.resource.attributes if one.key == "service.name"
            }
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def ask(url: str) -> httpx.Response:
    headers = {"content-type": "image/jpeg", "traceparent": f"00-{TRACE}-{CALLER}-01"}
    answer = httpx.post(
        url + contract.DETECT_PATH, content=sample_photos()["chelsea"], headers=headers, trust_env=False, timeout=30
    )
    assert answer.status_code == 200
    return answer


def test_a_requests_spans_arrive_under_the_caller_before_the_process_is_gone(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    with known(tmp_path, 0.005, drain_s="0") as (url, process):
        answer = ask(url)
        process.terminate()  # what is queued is sent on the way out
        process.wait(20)
    assert set(collector.requests) == {"/v1/traces"}
    assert collector.services == {contract.DETECTOR}
    request = next(span for span in collector.spans if span.name == f"POST {contract.DETECT_PATH}")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, CALLER)
    assert answer.headers["traceresponse"] == f"00-{TRACE}-{request.span_id.hex()}-01"
    inference = next(span for span in collector.spans if span.name == "inference")
    assert inference.parent_span_id == request.span_id
    assert request.start_time_unix_nano < inference.start_time_unix_nano < inference.end_time_unix_nano
    assert inference.end_time_unix_nano < request.end_time_unix_nano
    assert b"chelsea" not in b"".join(span.SerializeToString() for span in collector.spans)


def test_nothing_is_sent_where_it_is_off(collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with known(tmp_path, 0.005, drain_s="0") as (url, process):
        assert TRACE in ask(url).headers["traceresponse"]
        process.terminate()
        process.wait(20)
    assert collector.requests == []


def test_a_collector_that_is_away_costs_no_request_and_keeps_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with known(tmp_path, 0.005, drain_s="0") as (url, process):
        for _ in range(5):
            ask(url)
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM  # as the server ends whenever it is told to
