"""What is asked of a model: messages, content blocks, tools and parameters, as typed dictionaries without behaviour.

A request can say everything that any provider takes: messages in OpenAI's order of roles, and in them the blocks of
OpenAI and of Anthropic alike. What one API format cannot carry of it is that format's own matter.
"""

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
    """An image as OpenAI writes it; as a data URL also a PDF."""

    type: Literal["image_url"]
    image_url: ImageURL
    cache_control: NotRequired[CacheControl]


class File(TypedDict, total=False):
    """A document: raw base64 (Claude), a data URL (OpenAI), plain text (``text/plain``), a URL or an uploaded file."""

    mime_type: str
    file_data: str
    file_url: str
    file_id: str
    filename: str


class FileBlock(TypedDict):
    """A document as OpenAI writes it."""

    type: Literal["file"]
    file: File
    cache_control: NotRequired[CacheControl]


class Source(TypedDict, total=False):
    """Where a block takes its content from."""

    type: Required[Literal["base64", "data_url", "url", "text", "content", "file"]]
    media_type: str
    data: str
    """Base64, or of ``text`` the text itself."""
    url: str
    """Of ``data_url`` that of an image, as it was given: to part a large one and join it again takes milliseconds."""
    file_id: str
    content: str | list[Any]
    """Of ``content``: text, or text and image blocks."""


class MediaBlock(TypedDict):
    """An image, a document, a sound or a video, in any message."""

    type: Literal["image", "document", "audio", "video"]
    source: Source
    cache_control: NotRequired[CacheControl]
    detail: NotRequired[Literal["auto", "low", "high"]]
    """How closely OpenAI looks at an image."""
    title: NotRequired[str]
    context: NotRequired[str]
    """What Claude shall know of a document beside what it may cite."""
    citations: NotRequired[dict[str, Any]]
    """``{"enabled": true}``: Claude cites a document."""


class ThinkingBlock(TypedDict):
    """Claude's reasoning with the signature that proves it; replayed as it came."""

    type: Literal["thinking"]
    thinking: str
    signature: str


class RedactedThinkingBlock(TypedDict):
    """Reasoning that Anthropic encrypted; replayed as it came."""

    type: Literal["redacted_thinking"]
    data: str


class ToolUseBlock(TypedDict):
    """A tool call in Anthropic's form, among the blocks of an assistant's message."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]
    cache_control: NotRequired[CacheControl]


ContentBlock: TypeAlias = (
    TextBlock | ImageURLBlock | FileBlock | MediaBlock | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock
)
"""Blocks that we know by name; any other of the provider's may stand beside them, as it is."""


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
    caller: NotRequired[dict[str, Any]]
    """Who called in Claude's answer, where that is not Claude itself but code that it runs."""
    toolset_name: NotRequired[str]
    """The toolset of Anthropic's that the called tool belongs to; its result has to name it again."""
    thought_signature: NotRequired[str]
    """The proof of the thoughts that led to the call, without which Gemini 3 refuses its replay."""


Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]

SYSTEM_ROLES: Final = frozenset({"system", "developer"})
"""Roles of the messages that the gateway hoists to the top for Claude, wherever they stand."""


TOOL_CHANGES: Final = frozenset({"tool_addition", "tool_removal"})
"""Blocks of a system message amid a conversation that add and remove tools of Claude's."""


class Message(TypedDict):
    """One message of the conversation.

    An assistant's ``content`` holds text and thinking in their order, and whatever else its provider's blocks are.
    """

    role: Role
    content: NotRequired[str | list[ContentBlock] | None]
    content_blocks: NotRequired[list[ContentBlock]]
    """What the gateway answered with: thinking and text in their order, in place of ``content``."""
    name: NotRequired[str]
    tool_calls: NotRequired[list[ToolCall]]
    tool_call_id: NotRequired[str]
    audio: NotRequired[dict[str, Any]]
    """Of an assistant's message that was spoken: ``id``, ``transcript`` and ``expires_at``, as OpenAI told them."""
    is_error: NotRequired[bool]
    """Of a tool message: the tool failed, and this is what it said."""


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
    """One request. Further parameters are passed on under their own names."""

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
