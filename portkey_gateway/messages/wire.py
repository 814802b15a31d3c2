"""What ``POST /messages`` answers: typed dictionaries, no behaviour.

Shapes: Anthropic's Messages API as the ``anthropic`` SDK 2.12 types it (``types/message.py``,
``types/raw_message_stream_event.py``), which the gateway passes on untouched.
"""

from __future__ import annotations

from typing import Any, TypedDict


class CacheCreation(TypedDict, total=False):
    """How many of the tokens written to the cache are kept for how long."""

    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int


class OutputTokensDetails(TypedDict, total=False):
    """What the output was spent on."""

    thinking_tokens: int


class WireUsage(TypedDict, total=False):
    """``usage`` of an answer, of ``message_start`` and, as far as it is known, of ``message_delta``."""

    input_tokens: int | None
    output_tokens: int | None
    cache_read_input_tokens: int | None
    cache_creation_input_tokens: int | None
    cache_creation: CacheCreation | None
    output_tokens_details: OutputTokensDetails | None
    server_tool_use: dict[str, Any] | None
    service_tier: str | None
    speed: str | None


class MessageAnswer(TypedDict, total=False):
    """A whole answer, and ``message`` of ``message_start``."""

    id: str
    type: str
    role: str
    model: str
    content: list[dict[str, Any]]
    stop_reason: str | None
    stop_sequence: str | None
    stop_details: dict[str, Any] | None
    container: dict[str, Any] | None
    context_management: dict[str, Any] | None
    usage: WireUsage
    hook_results: dict[str, Any]


class Event(TypedDict, total=False):
    """One server-sent event of a streamed answer, decoded from JSON; that of ``hook_results`` has no ``type``."""

    type: str
    index: int
    message: MessageAnswer
    content_block: dict[str, Any]
    delta: dict[str, Any]
    usage: WireUsage
    context_management: dict[str, Any] | None
    error: dict[str, Any]
    hook_results: dict[str, Any]
