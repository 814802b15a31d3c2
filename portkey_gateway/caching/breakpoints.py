"""Prompt caching: the cache breakpoints of a request, found, checked and put.

A block with ``cache_control`` ends a prefix that Anthropic caches, counted over tools, then system, then messages
(Anthropic, "Prompt caching"). Explicit marks are kept as they are; nothing here changes its input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from portkey_gateway.conversation.plain import beside_plain
from portkey_gateway.conversation.request import SYSTEM_ROLES, CacheControl, ChatRequest, Message
from portkey_gateway.errors import EncodingError, warn

MAX_BREAKPOINTS: Final = 4
"""Anthropic refuses a request with more."""

TOOLS: Final = 0
SYSTEM: Final = 1
CONVERSATION: Final = 2

_BY_CODE: Final = "code_execution"
_TTL_ORDER: Final = {"1h": 0, "5m": 1}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a block stands. Places sort in the order in which Anthropic reads their blocks."""

    section: int
    """``TOOLS``, ``SYSTEM`` or ``CONVERSATION``: the gateway hoists system messages, wherever they stand."""
    index: int
    """Of the tool or message in the request."""
    field: str = ""
    """Of the message: ``content`` or ``content_blocks``, then ``tool_calls``, in the alphabet as on the wire."""
    block: int = 0
    """Of the block in its field; 0 for a text that is no list."""

    @property
    def path(self) -> str:
        """The place in words, such as ``messages[0].content[1]``."""
        return f"tools[{self.index}]" if self.section == TOOLS else f"messages[{self.index}].{self.field}[{self.block}]"


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


def find_marks(request: ChatRequest) -> dict[Place, CacheControl]:
    """Return the marks of a request by their places, in the order in which Anthropic reads them.

    Raises:
        EncodingError: if one of them is not a ``cache_control`` that Anthropic knows.
    """
    return {place: encode_cache_control(mark, where=place.path) for place, mark in sorted(_marks(request), key=_place)}


def find_breakpoints(request: ChatRequest) -> list[CacheBreakpoint]:
    """List the cache breakpoints of a request in the order in which Anthropic reads them.

    Raises:
        EncodingError: if one of them is not a ``cache_control`` that Anthropic knows.
    """
    return [CacheBreakpoint(place.path, mark.get("ttl", "5m")) for place, mark in find_marks(request).items()]


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


def without_refused_marks(request: ChatRequest) -> ChatRequest:
    """Return the request without marks on calls that Claude's code made, and on their results: Anthropic takes none.

    Warns:
        PortkeyWarning: if there is one, naming its place.
    """
    of_code = frozenset(_called_by_code(request["messages"]))
    messages: list[Any] = [*request["messages"]] if of_code else []
    for place in find_marks(request) if of_code else ():
        message = messages[place.index] if place.section == CONVERSATION else {}
        blocks = message.get(place.field) or ()
        if not of_code.isdisjoint({message.get("tool_call_id"), blocks and blocks[place.block].get("id")}):
            warn(
                f"cache_control of {place.path} is left out: Claude takes none on a call that code made, or its result"
            )
            blocks = [*blocks]
            blocks[place.block] = {name: told for name, told in blocks[place.block].items() if name != "cache_control"}
            messages[place.index] = {**message, place.field: blocks}
    return cast("ChatRequest", {**request, "messages": messages}) if of_code else request


def mark_last_block(request: ChatRequest, mark: CacheControl) -> ChatRequest:
    """Return the request with a cache breakpoint on the last block that can carry one.

    So Anthropic reads ``cache_control`` of a request itself (Anthropic, "Prompt caching", automatic caching), where the
    gateway drops it. A mark of the block's own is kept.

    Warns:
        PortkeyWarning: if no block can carry it.
    """
    messages = request["messages"]
    # Claude reads system messages first, wherever they stand.
    reading_order = sorted(range(len(messages)), key=lambda index: messages[index]["role"] not in SYSTEM_ROLES)
    place = last_place(messages, reading_order)
    if place is None:
        warn("cache_control does not reach Claude: no message holds a text, or an image or PDF as data")
        return request
    return put_marks(request, {place: mark})


def last_place(messages: Sequence[Message], indices: Sequence[int]) -> Place | None:
    """Find the last block, of the messages at ``indices``, that can carry a mark; ``None`` if none can.

    Thinking and empty text carry none, nor do a call that Claude's code made and its result (Anthropic's answer to one
    that did; ``langchain-anthropic`` 1.7.10 knows it too), and documents in ``file`` blocks and images given by URL
    lose theirs on the way: the block before them is taken.
    """
    of_code = frozenset(_called_by_code(messages))
    for index in reversed(indices):
        message: Any = messages[index]
        if message.get("tool_call_id") in of_code:
            continue
        section = SYSTEM if message["role"] in SYSTEM_ROLES else CONVERSATION
        for field in ("tool_calls", _content_field(message)):
            blocks = _as_blocks(message.get(field) or ())
            for position in reversed(range(len(blocks))):
                if blocks[position].get("id") not in of_code and _can_carry_mark(blocks[position]):
                    return Place(section, index, field, position)
    return None


def _called_by_code(messages: Sequence[Message]) -> Iterator[str]:
    """The ids of the calls that code made which Claude runs."""
    for _, said in beside_plain(messages):
        message = cast("Message", said)
        content: Any = message.get("content")
        for call in (*message.get("tool_calls", ()), *(content if isinstance(content, list) else ())):
            if str((call.get("caller") or {}).get("type")).startswith(_BY_CODE):
                yield call["id"]


def put_marks(request: ChatRequest, marks: Mapping[Place, CacheControl]) -> ChatRequest:
    """Return the request with these marks; a mark that a block already has is kept."""
    # A mark turns a tool's text into a list of one. All tool results become lists, so that what one turn wrote to the
    # cache under a mark is still the same beginning when the mark has moved on.
    messages: list[Any] = [_with_result_blocks(message) for message in request["messages"]]
    tools: list[Any] = [*(request.get("tools") or ())]
    for place, mark in marks.items():
        if place.section == TOOLS:
            tools[place.index] = _marked(tools[place.index], mark)
        else:
            message = messages[place.index]
            blocks = [*_as_blocks(message[place.field])]
            blocks[place.block] = _marked(blocks[place.block], mark)
            messages[place.index] = {**message, place.field: blocks}
    return cast("ChatRequest", {**request, "messages": messages, **({"tools": tools} if tools else {})})


def _marked(block: Mapping[str, Any], mark: CacheControl) -> dict[str, Any]:
    return {**block, "cache_control": block.get("cache_control") or mark}


def _with_result_blocks(message: Message) -> Mapping[str, Any]:
    content = message.get("content")
    is_plain = message["role"] == "tool" and isinstance(content, str) and content
    return {**message, "content": _as_blocks(content)} if is_plain else message


def _as_blocks(value: Any) -> Sequence[Any]:
    return [{"type": "text", "text": value}] if isinstance(value, str) else value


def _can_carry_mark(block: Mapping[str, Any]) -> bool:
    if block["type"] == "text":
        return bool(block["text"].strip())
    if block["type"] == "image_url":
        return str(block["image_url"]["url"]).startswith("data:")
    return block["type"] in {"function", "image", "document"}


def _place(found: tuple[Place, Any]) -> Place:
    return found[0]


def _marks(request: ChatRequest) -> Iterator[tuple[Place, Any]]:
    for index, tool in enumerate(request.get("tools") or ()):
        if mark := tool.get("cache_control"):
            yield Place(TOOLS, index), mark
    for index, message in beside_plain(request.get("messages") or ()):
        for field in (_content_field(message), "tool_calls"):
            blocks = message.get(field)
            if isinstance(blocks, list):
                section = SYSTEM if message["role"] in SYSTEM_ROLES else CONVERSATION
                for position, block in enumerate(blocks):
                    if mark := block.get("cache_control"):
                        yield Place(section, index, field, position), mark


def _content_field(message: Mapping[str, Any]) -> Literal["content", "content_blocks"]:
    """Of an assistant message the gateway reads ``content_blocks`` in the place of content, of others content alone."""
    has_blocks = message["role"] == "assistant" and message.get("content_blocks") is not None
    return "content_blocks" if has_blocks else "content"
