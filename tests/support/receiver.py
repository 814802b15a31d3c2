"""What a real OTLP/HTTP receiver on loopback got: spans, decoded from protobuf; and the tree that they form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.support.recording import RecordingServer, Reply, Request, whole

TAKEN: Reply = whole(b"", headers={"content-type": "application/x-protobuf"})
"""How a receiver answers that took all spans (OTLP 1.9, "OTLP/HTTP Response": an empty message)."""


@dataclass(frozen=True, slots=True)
class Received:
    """One span as it came over the wire; ids in hexadecimal."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    kind: int
    started_ns: int
    ended_ns: int
    attributes: Mapping[str, Any]
    is_error: bool
    exception: Mapping[str, Any]
    """The attributes of its event, empty if it has none."""

    @property
    def all_text(self) -> str:
        return repr(self)


@dataclass(frozen=True, slots=True)
class Node:
    """A place in a tree: of a span, or of a call that went to the gateway."""

    trace_id: str
    span_id: str
    parent_id: str | None


def spans_of(receiver: RecordingServer) -> list[Received]:
    """Every span that came in, in the order of arrival."""
    decoded = [ExportTraceServiceRequest.FromString(request.body) for request in receiver.requests]
    return [
        _received(span)
        for request in decoded
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def node_of(request: Request) -> Node:
    """Where a call stands, as its headers say."""
    [parent] = request.headers.get("x-portkey-parent-span-id", [None])
    return Node(request.header("x-portkey-trace-id"), request.header("x-portkey-span-id"), parent)


def roots_of(spans: Iterable[Received], requests: Iterable[Request] = ()) -> list[Node]:
    """The roots of the trees; fails if an id comes twice, or if a parent is not there, or in another trace."""
    nodes = [Node(span.trace_id, span.span_id, span.parent_id) for span in spans] + [*map(node_of, requests)]
    traces = {node.span_id: node.trace_id for node in nodes}
    assert len(traces) == len(nodes), "an id comes twice"
    for node in nodes:
        assert node.parent_id is None or traces.get(node.parent_id) == node.trace_id, f"no parent for {node}"
    return [node for node in nodes if node.parent_id is None]


def _received(span: Span) -> Received:
    [exception] = [_read(event.attributes) for event in span.events if event.name == "exception"] or [{}]
    return Received(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex() or None,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        _read(span.attributes),
        span.status.code == Status.STATUS_CODE_ERROR,
        exception,
    )


def _read(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    assert kind is not None
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)
