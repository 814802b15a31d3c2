"""Prompt caching: the cache breakpoints of a request, found and checked.

A block with ``cache_control`` ends a prefix that Anthropic caches, counted over tools, then system, then messages
(Anthropic, "Prompt caching"). Explicit marks are kept as they are; nothing here changes its input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from portkey_gateway.errors import EncodingError, warn
from portkey_gateway.wire import SYSTEM_ROLES, CacheControl, ChatRequest, Message

MAX_BREAKPOINTS: Final = 4
"""Anthropic refuses a request with more."""

_TTL_ORDER: Final = {"1h": 0, "5m": 1}


@dataclass(frozen=True, slots=True)
class CacheBreakpoint:
    """One cache breakpoint of a request."""

    path: str
    """Where it stands, such as ``messages[0].content[1]``."""
    ttl: str
    """How long the prefix is kept: ``5m`` or ``1h``."""


def encode_cache_control(value: Any, *, where: str) -> CacheControl:
    """Check a ``cache_control`` that a user gave and return it for the wire.

    Args:
        value: ``{"type": "ephemeral"}``, with ``"ttl": "5m"`` or ``"1h"`` if wanted.
        where: what carries it, for the error text.

    Raises:
        EncodingError: if it is anything else.
    """
    if isinstance(value, Mapping) and value.get("type") == "ephemeral" and value.keys() <= {"type", "ttl"}:
        ttl = value.get("ttl", "5m")
        if isinstance(ttl, str) and ttl in _TTL_ORDER:
            return cast("CacheControl", dict(value))
    raise EncodingError(
        f"cache_control of {where} must be {{'type': 'ephemeral'}}, with 'ttl': '5m' or '1h' if wanted; got {value!r}"
    )


def find_breakpoints(request: ChatRequest) -> list[CacheBreakpoint]:
    """List the cache breakpoints of a request in the order in which Anthropic reads them.

    Raises:
        EncodingError: if one of them is not a ``cache_control`` that Anthropic knows.
    """
    marks = ((path, encode_cache_control(mark, where=path)) for path, mark in _marks(request))
    return [CacheBreakpoint(path, mark.get("ttl", "5m")) for path, mark in marks]


def check_breakpoints(request: ChatRequest) -> None:
    """Check the cache breakpoints of a request against Anthropic's rules.

    Raises:
        EncodingError: if one is not what Anthropic knows, if there are more than four, or if one of an hour follows
            one of five minutes.
    """
    breakpoints = find_breakpoints(request)
    if len(breakpoints) > MAX_BREAKPOINTS:
        places = ", ".join(breakpoint_.path for breakpoint_ in breakpoints)
        raise EncodingError(
            f"cache_control stands on {len(breakpoints)} blocks ({places}); Claude takes at most "
            f"{MAX_BREAKPOINTS}: keep the marks on the last blocks of what stays the same"
        )
    order = [_TTL_ORDER[breakpoint_.ttl] for breakpoint_ in breakpoints]
    if order != sorted(order):
        raise EncodingError(
            "cache_control with ttl '1h' must stand before those with '5m' (tools, then system, then messages)"
        )


def mark_last_block(request: ChatRequest, mark: CacheControl) -> ChatRequest:
    """Return the request with a cache breakpoint on the last block that can carry one.

    So Anthropic reads ``cache_control`` of a request itself (Anthropic, "Prompt caching", automatic caching), where the
    gateway drops it. Thinking and empty text carry no breakpoint, and documents in ``file`` blocks and images given by
    URL lose theirs on the way: the block before them is marked. A mark of the block's own is kept.

    Warns:
        PortkeyWarning: if no block can carry it.
    """
    messages = [*request["messages"]]
    # Claude reads system messages first, wherever they stand.
    reading_order = sorted(range(len(messages)), key=lambda index: messages[index]["role"] not in SYSTEM_ROLES)
    for index in reversed(reading_order):
        if marked := _with_last_block_marked(messages[index], mark):
            messages[index] = marked
            return cast("ChatRequest", {**request, "messages": messages})
    warn("cache_control does not reach Claude: no message holds a text, or an image or PDF as data")
    return request


def _with_last_block_marked(message: Message, mark: CacheControl) -> Message | None:
    for field in ("tool_calls", _content_field(message)):
        value: Any = message.get(field) or ()
        blocks: list[Any] = [{"type": "text", "text": value}] if isinstance(value, str) else [*value]
        for index in reversed(range(len(blocks))):
            if _can_carry_mark(blocks[index]):
                blocks[index] = {**blocks[index], "cache_control": blocks[index].get("cache_control") or mark}
                return cast("Message", {**message, field: blocks})
    return None


def _can_carry_mark(block: Mapping[str, Any]) -> bool:
    if block["type"] == "text":
        return bool(block["text"].strip())
    if block["type"] == "image_url":
        return str(block["image_url"]["url"]).startswith("data:")
    return block["type"] in {"function", "image", "document"}


def _marks(request: ChatRequest) -> Iterator[tuple[str, Any]]:
    for index, tool in enumerate(request.get("tools") or ()):
        if mark := tool.get("cache_control"):
            yield f"tools[{index}]", mark
    messages = list(enumerate(request.get("messages") or ()))
    # The gateway hoists system and developer messages to the top, wherever they stand.
    for is_system in (True, False):
        for index, message in messages:
            if (message["role"] in SYSTEM_ROLES) is is_system:
                yield from _message_marks(f"messages[{index}]", cast("Mapping[str, Any]", message))


def _message_marks(path: str, message: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for field in (_content_field(message), "tool_calls"):
        blocks = message.get(field)
        if isinstance(blocks, list):
            for index, block in enumerate(blocks):
                if mark := block.get("cache_control"):
                    yield f"{path}.{field}[{index}]", mark


def _content_field(message: Mapping[str, Any]) -> Literal["content", "content_blocks"]:
    """Of an assistant message the gateway reads ``content_blocks`` in the place of content, of others content alone."""
    has_blocks = message["role"] == "assistant" and message.get("content_blocks") is not None
    return "content_blocks" if has_blocks else "content"
