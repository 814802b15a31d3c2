"""The receiver takes what any OTLP/HTTP exporter sends."""

from __future__ import annotations

import gzip
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from portkey_gateway.sandbox import SandboxError, SpanReceiver
from portkey_gateway.sandbox.span_receiver import MAX_RECEIVED_SPANS, ReceivedSpan


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


def test_it_answers_as_otlp_wants(receiver: SpanReceiver) -> None:
    taken = httpx.post(receiver.endpoint, content=gzip.compress(b""), headers={"content-encoding": "gzip"})
    assert taken.status_code == 200
    assert taken.headers["content-type"] == "application/x-protobuf"
    assert ExportTraceServiceResponse.FromString(taken.content).partial_success.rejected_spans == 0


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/traces", {}, 400),
        ("/v1/traces", {"content-encoding": "gzip"}, 400),
        ("/v1/logs", {}, 404),
    ],
)
def test_it_refuses_what_is_no_span(receiver: SpanReceiver, path: str, headers: dict[str, str], status: int) -> None:
    url = receiver.endpoint.replace("/v1/traces", path)
    assert httpx.post(url, content=b"no protobuf", headers=headers).status_code == status
    assert receiver.spans == []


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
