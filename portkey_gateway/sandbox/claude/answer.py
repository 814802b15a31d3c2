"""Frames a reply as Anthropic's message object, with its usage.

Source of the shape: `anthropic.types.Message` and `anthropic.types.Usage`.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from portkey_gateway.sandbox.claude import tokens
from portkey_gateway.sandbox.claude.cache_ledger import InputUsage
from portkey_gateway.sandbox.claude.reply import Reply, StopReason


class Message(TypedDict):
    """A whole answer."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[dict[str, Any]]
    stop_reason: StopReason
    stop_sequence: str | None
    usage: dict[str, Any]


def build_message(reply: Reply, *, model: str, input_usage: InputUsage) -> Message:
    """Frame a reply as the message that answers a request."""
    return {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [dict(block) for block in reply.content],
        "stop_reason": reply.stop_reason,
        "stop_sequence": reply.stop_sequence,
        "usage": _usage(reply, input_usage),
    }


def _usage(reply: Reply, spent: InputUsage) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "input_tokens": spent.input_tokens,
        "cache_creation_input_tokens": spent.write_5m_tokens + spent.write_1h_tokens,
        "cache_read_input_tokens": spent.read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": spent.write_5m_tokens,
            "ephemeral_1h_input_tokens": spent.write_1h_tokens,
        },
        "output_tokens": sum(tokens.count_block(block) for block in reply.content),
        "service_tier": "standard",
    }
    thinking = [block for block in reply.content if block["type"] in {"thinking", "redacted_thinking"}]
    if thinking:
        usage["output_tokens_details"] = {"thinking_tokens": sum(tokens.count_block(block) for block in thinking)}
    return usage | dict(reply.usage or {})


def delta_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a usage that stands on a stream's `message_delta` event.

    Source: `anthropic.types.MessageDeltaUsage`; its figures are those of the whole answer, not of the last event.
    """
    carried = (
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "output_tokens",
        "output_tokens_details",
    )
    return {key: usage[key] for key in carried if key in usage}
