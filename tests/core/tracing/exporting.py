"""Spans to export, and receivers of them: one that takes them, and some that fail."""

from __future__ import annotations

import socket
from typing import Any

from portkey_gateway.tracing.context import TraceContext, new_span_id, new_trace_id
from portkey_gateway.tracing.receiver import Receiver
from portkey_gateway.tracing.spans import Span
from tests.support.recording import RecordingServer, whole


def span(name: str = "step", context: TraceContext | None = None, **more: Any) -> Span:
    context = context or TraceContext(new_trace_id(), new_span_id(), new_span_id())
    return Span(name, context, 1_000, 2_000, **{"attributes": {}, **more})


def to(receiver: RecordingServer) -> Receiver:
    return Receiver(f"{receiver.base_url}/otel/v1/traces", {"x-key": "sk-receiver-key"})


def failing(receiver: RecordingServer, how: str) -> Receiver:
    if how == "down":
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            return Receiver(f"http://127.0.0.1:{nobody.getsockname()[1]}/v1/traces")
    receiver.reply(whole(b"no sk-receiver-key", status=500) if how == "500" else whole(b"", wait_s=2.0))
    return to(receiver)
