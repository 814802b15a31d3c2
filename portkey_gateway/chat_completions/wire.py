"""What the gateway's ``/v1/chat/completions`` answers: typed dictionaries, no behaviour.

Shapes read off the open-source gateway 1.15.2 (``src/types/requestBody.ts`` and
``src/providers/anthropic/chatComplete.ts``): OpenAI's schema with Anthropic's extensions.
"""

from __future__ import annotations

from typing import Any, TypedDict

from portkey_gateway.conversation.request import ToolCall


class WireUsage(TypedDict, total=False):
    """``usage`` of an answer or of a stream's last chunk."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cache_read_input_tokens: int
    cache_creation_input_tokens: int
    prompt_tokens_details: dict[str, int]
    completion_tokens_details: dict[str, int]


class AnswerMessage(TypedDict, total=False):
    """``choices[0].message`` of a whole answer."""

    role: str
    content: str | list[Any] | None
    content_blocks: list[dict[str, Any]]
    tool_calls: list[ToolCall]
    refusal: str | None
    reasoning_content: str | None
    reasoning: str | None
    audio: dict[str, Any] | None


class Choice(TypedDict, total=False):
    """One of the alternatives of a whole answer: of several where ``n`` asks for them."""

    index: int
    message: AnswerMessage
    finish_reason: str | None
    logprobs: dict[str, Any] | None
    groundingMetadata: dict[str, Any]


class ChatResponse(TypedDict, total=False):
    """A whole answer."""

    id: str
    model: str
    provider: str
    created: int
    choices: list[Choice]
    usage: WireUsage
    hook_results: dict[str, Any]
    system_fingerprint: str | None
    service_tier: str | None


class FunctionDelta(TypedDict, total=False):
    """A piece of a called function."""

    name: str
    arguments: str
    thought_signature: str


class ToolCallDelta(TypedDict, total=False):
    """A piece of a tool call; ``index`` counts tool calls, apart from the content blocks' own."""

    index: int
    id: str
    type: str
    function: FunctionDelta


class ChunkDelta(TypedDict, total=False):
    """What one chunk adds. ``content_blocks`` items are ``{"index", "delta"}`` without a ``type``."""

    role: str
    content: str | list[Any] | None
    content_blocks: list[dict[str, Any]]
    tool_calls: list[ToolCallDelta]
    refusal: str | None
    reasoning_content: str | None
    reasoning: str | None
    audio: dict[str, Any] | None


class ChunkChoice(TypedDict, total=False):
    """``choices[0]`` of a chunk."""

    index: int
    delta: ChunkDelta
    finish_reason: str | None
    logprobs: dict[str, Any] | None
    groundingMetadata: dict[str, Any]


class Chunk(TypedDict, total=False):
    """One server-sent event of a streamed answer, decoded from JSON."""

    id: str
    model: str
    provider: str
    created: int
    choices: list[ChunkChoice]
    usage: WireUsage
    hook_results: dict[str, Any]
    system_fingerprint: str | None
    service_tier: str | None
