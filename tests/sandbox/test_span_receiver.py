"""The receiver takes what any OTLP/HTTP exporter sends."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from portkey_gateway.sandbox import SandboxError, SpanReceiver
from portkey_gateway.sandbox.span_receiver import MAX_BODY_BYTES, MAX_RECEIVED_SPANS, ReceivedSpan

GZIP = {"content-encoding": "gzip"}


@pytest.fixture
def receiver() -> Iterator[SpanReceiver]:
    with SpanReceiver() as running:
        yield running


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_it_takes_what_opentelemetrys_own_sdk_sends(receiver: SpanReceiver, compression: Compression) -> None:
    provider = TracerProvider()
    exporter = OTLPSpanExporter(receiver.endpoint, compression=compression)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("outer") as outer:
        outer.set_attribute("many", [1, 2])
        with pytest.raises(ValueError, match="no"), tracer.start_as_current_span("inner"):
            raise ValueError("no")
    provider.shutdown()
    inner_span, outer_span = receiver.spans
    assert (outer_span.name, outer_span.parent_id, outer_span.is_error) == ("outer", None, False)
    assert outer_span.attributes == {"many": [1, 2]}
    assert (inner_span.parent_id, inner_span.trace_id) == (outer_span.span_id, outer_span.trace_id)
    assert inner_span.is_error
    assert inner_span.exception["exception.message"] == "no"
    assert outer_span.started_ns <= inner_span.started_ns <= inner_span.ended_ns <= outer_span.ended_ns


def test_it_reads_every_kind_of_value(receiver: SpanReceiver) -> None:
    """OpenTelemetry's SDK for Python sends no maps and no empty values; others do."""
    nested = AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="seats", value=AnyValue(int_value=3))]))
    attributes = [KeyValue(key="plan", value=nested), KeyValue(key="nothing", value=AnyValue())]
    scope = ScopeSpans(spans=[Span(name="s", attributes=attributes)])
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[scope])])
    assert httpx.post(receiver.endpoint, content=request.SerializeToString()).status_code == 200
    assert [span.attributes for span in receiver.spans] == [{"plan": {"seats": 3}, "nothing": None}]


def test_it_answers_as_otlp_wants(receiver: SpanReceiver) -> None:
    taken = httpx.post(receiver.endpoint, content=gzip.compress(b""), headers=GZIP)
    assert taken.status_code == 200
    assert taken.headers["content-type"] == "application/x-protobuf"
    assert ExportTraceServiceResponse.FromString(taken.content).partial_success.rejected_spans == 0


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"no protobuf", {}, 400, "No spans in protobuf"),
        (b"{}", {"content-type": "application/json"}, 400, "No spans in protobuf"),
        (b"no gzip", GZIP, 400, "The body is not gzip"),
        (gzip.compress(b"cut", mtime=0)[:-1], GZIP, 400, "The gzip breaks off"),
        (gzip.compress(bytes(MAX_BODY_BYTES + 1)), GZIP, 413, f"More than {MAX_BODY_BYTES} bytes"),
    ],
)
def test_it_refuses_what_is_no_span(
    receiver: SpanReceiver, body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    answer = httpx.post(receiver.endpoint, content=body, headers=headers)
    assert (answer.status_code, answer.reason_phrase) == (status, reason)
    assert receiver.spans == []


def test_it_takes_spans_at_its_endpoint_only(receiver: SpanReceiver) -> None:
    answer = httpx.post(receiver.endpoint.replace("traces", "logs"), content=b"")
    assert (answer.status_code, answer.reason_phrase) == (404, "Spans go to /v1/traces")


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        ("transfer-encoding: chunked", "411 A content-length is needed"),
        ("content-length: many", "411 A content-length is needed"),
        (f"content-length: {MAX_BODY_BYTES + 1}", f"413 More than {MAX_BODY_BYTES} bytes"),
    ],
)
def test_it_refuses_a_body_by_its_length(receiver: SpanReceiver, header: str, refusal: str) -> None:
    address = httpx.URL(receiver.endpoint)
    with socket.create_connection((address.host, address.port or 0), timeout=5) as connection:
        connection.sendall(f"POST {address.path} HTTP/1.1\r\n{header}\r\n\r\n".encode())
        assert connection.recv(200).startswith(f"HTTP/1.0 {refusal}\r\n".encode())


def test_it_takes_nothing_once_it_has_stopped(receiver: SpanReceiver) -> None:
    """Not even on a connection from before."""
    endpoint = receiver.endpoint
    with httpx.Client() as client:
        assert client.post(endpoint).status_code == 200
        receiver.stop()
        with pytest.raises(httpx.ConnectError):
            client.post(endpoint)


def test_it_forgets_the_oldest_and_all_on_request(receiver: SpanReceiver) -> None:
    span = ReceivedSpan("s", "1", "2", None, 1, 0, 0, {}, is_error=False, exception={})
    receiver._spans.extend([span] * (MAX_RECEIVED_SPANS + 1))
    assert len(receiver.spans) == MAX_RECEIVED_SPANS
    receiver.clear()
    assert receiver.spans == []


def test_it_starts_and_stops_as_often_as_one_likes() -> None:
    receiver = SpanReceiver()
    with pytest.raises(SandboxError, match="not running"):
        _ = receiver.endpoint
    assert repr(receiver) == "<SpanReceiver stopped>"
    receiver.stop()
    assert receiver.start().endpoint == receiver.start().endpoint
    assert receiver.endpoint in repr(receiver)
    receiver.stop()
    with receiver:
        assert httpx.post(receiver.endpoint).status_code == 200


def test_without_its_extra_it_says_which() -> None:
    program = """
        import sys
        sys.modules["opentelemetry"] = sys.modules["opentelemetry.proto"] = None
        from portkey_gateway.sandbox import CallLog, MissingExtraError, draw_trace
        try:
            from portkey_gateway.sandbox import SpanReceiver
        except MissingExtraError as error:
            print(error)
    """
    done = subprocess.run(  # noqa: S603 our own program
        [sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True, text=True, timeout=30
    )
    assert 'pip install "portkey-frameworks[otel]"' in done.stdout
