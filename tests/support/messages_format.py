"""What ``POST /messages`` answers, as Anthropic writes it: whole messages, and the events of streamed ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

USAGE: Final = {"input_tokens": 3, "output_tokens": 2}


def message(text: str = "Hello.", **more: Any) -> dict[str, Any]:
    """A whole answer."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    } | more


def message_event(data: Mapping[str, Any] | bytes, *, name: str | None = None) -> bytes:
    """One server-sent event, named by its ``type``; bytes are sent as they are."""
    if not isinstance(data, bytes):
        name, data = name or data.get("type"), json.dumps(data).encode()
    return b"event: " + (name or "message").encode() + b"\ndata: " + data + b"\n\n"


def message_deltas(*texts: str) -> tuple[bytes, ...]:
    """The events of a streamed answer but for its end mark: one piece for each text, and one for how it ended."""
    start = message() | {"content": [], "stop_reason": None, "usage": USAGE | {"output_tokens": 1}}
    begun = message_event({"type": "message_start", "message": start}) + message_event(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    )
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": USAGE}
    first, *rest = [message_event(_text_delta(text)) for text in texts]
    return (begun + first, *rest, message_event({"type": "content_block_stop", "index": 0}) + message_event(ended))


def _text_delta(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


MESSAGE_STOP: Final = message_event({"type": "message_stop"})
"""The end mark of a streamed answer."""
