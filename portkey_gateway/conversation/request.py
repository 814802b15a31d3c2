"""What is asked of a model: messages, content blocks, tools and parameters, as typed dictionaries without behaviour."""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, Required, TypeAlias, TypedDict


class CacheControl(TypedDict):
    """Anthropic's prompt-caching mark; the block that carries it ends a cached prefix."""

    type: Literal["ephemeral"]
    ttl: NotRequired[Literal["5m", "1h"]]


class TextBlock(TypedDict):
    """Text in any message."""

    type: Literal["text"]
    text: str
    cache_control: NotRequired[CacheControl]


class ImageURL(TypedDict):
    """A ``data:`` URL or an ``http(s)`` URL."""

    url: str
    detail: NotRequired[Literal["auto", "low", "high"]]


class ImageURLBlock(TypedDict):
    """An image in a user message; for Claude also a PDF, as a data URL."""

    type: Literal["image_url"]
    image_url: ImageURL
    cache_control: NotRequired[CacheControl]


class File(TypedDict, total=False):
    """A document: raw base64 (Claude), a data URL (OpenAI), plain text (``text/plain``) or a URL."""

    mime_type: str
    file_data: str
    file_url: str
    file_id: str
    filename: str


class FileBlock(TypedDict):
    """A document in a user message. The gateway drops ``cache_control`` here."""

    type: Literal["file"]
    file: File


class AnthropicSource(TypedDict, total=False):
    """Where an Anthropic ``image`` or ``document`` block takes its bytes from."""

    type: Literal["base64", "url", "text"]
    media_type: str
    data: str
    url: str


class AnthropicMediaBlock(TypedDict):
    """An image or document in a tool message: the gateway passes these through untransformed."""

    type: Literal["image", "document"]
    source: AnthropicSource
    cache_control: NotRequired[CacheControl]
    title: NotRequired[str]
    context: NotRequired[str]


class ThinkingBlock(TypedDict):
    """Claude's reasoning with the signature that proves it; replayed as it came."""

    type: Literal["thinking"]
    thinking: str
    signature: str


class RedactedThinkingBlock(TypedDict):
    """Reasoning that Anthropic encrypted; replayed as it came."""

    type: Literal["redacted_thinking"]
    data: str


ContentBlock: TypeAlias = (
    TextBlock | ImageURLBlock | FileBlock | AnthropicMediaBlock | ThinkingBlock | RedactedThinkingBlock
)


class Function(TypedDict):
    """A called function; ``arguments`` is a JSON object as text."""

    name: str
    arguments: str


class ToolCall(TypedDict):
    """A tool call of an assistant message."""

    id: str
    type: Literal["function"]
    function: Function
    cache_control: NotRequired[CacheControl]


SYSTEM_ROLES: Final = frozenset({"system", "developer"})
"""Roles of the messages that the gateway hoists to the top for Claude, wherever they stand."""


class Message(TypedDict):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: NotRequired[str | list[ContentBlock] | None]
    content_blocks: NotRequired[list[ContentBlock]]
    name: NotRequired[str]
    tool_calls: NotRequired[list[ToolCall]]
    tool_call_id: NotRequired[str]


class FunctionDefinition(TypedDict):
    """A tool's name, purpose and JSON schema."""

    name: str
    description: NotRequired[str]
    parameters: NotRequired[dict[str, Any]]
    strict: NotRequired[bool]


class Tool(TypedDict):
    """A tool offered to the model."""

    type: str
    function: NotRequired[FunctionDefinition]
    cache_control: NotRequired[CacheControl]


class ChatRequest(TypedDict, total=False):
    """The body of ``POST /chat/completions``. Further keys are passed on as they are."""

    model: Required[str]
    messages: Required[list[Message]]
    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    stop: list[str]
    stream: bool
    thinking: dict[str, Any]
    tools: list[Tool]
    tool_choice: str | dict[str, Any]
    user: str
