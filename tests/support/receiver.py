"""What a real OTLP/HTTP receiver on loopback got: spans, decoded from protobuf; and the tree that they form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portkey_gateway.sandbox.span_receiver import ReceivedSpan as Received
from portkey_gateway.sandbox.span_receiver import decode_spans
from tests.support.recording import RecordingServer, Reply, Request, whole

__all__ = ["TAKEN", "Node", "Received", "node_of", "roots_of", "spans_of"]

TAKEN: Reply = whole(b"", headers={"content-type": "application/x-protobuf"})
"""How a receiver answers that took all spans (OTLP 1.9, "OTLP/HTTP Response": an empty message)."""


@dataclass(frozen=True, slots=True)
class Node:
    """A place in a tree: of a span, or of a call that went to the gateway."""

    trace_id: str
    span_id: str
    parent_id: str | None


def spans_of(receiver: RecordingServer) -> list[Received]:
    """Every span that came in, in the order of arrival."""
    return [span for request in receiver.requests for span in decode_spans(request.body)]


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
