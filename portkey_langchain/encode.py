"""LangChain messages → the gateway's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, cast

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic_core import to_json

from portkey_gateway.errors import ContentError, EncodingError
from portkey_gateway.wire import ContentBlock, Message, ToolCall
from portkey_langchain.blocks import (
    Block,
    cache_control,
    content_blocks,
    encode_text_block,
    encode_thinking_block,
    encode_tool_result_block,
    encode_user_block,
)

_TOOL_CALL_TYPES = frozenset({"tool_use", "tool_call"})
_ERROR_PREFIX = "Error: "


def encode_messages(messages: Sequence[BaseMessage], *, for_claude: bool) -> list[Message]:
    """Encode a conversation.

    Args:
        messages: what LangChain hands over.
        for_claude: whether Claude's own forms may be used (documents, media in tool messages, thinking).

    Raises:
        EncodingError: if a message or one of its blocks cannot be sent; the text names it.
    """
    return [
        encoded
        for index, message in enumerate(messages)
        for encoded in _encode(message, f"messages[{index}]", for_claude=for_claude)
    ]


def _encode(message: BaseMessage, where: str, *, for_claude: bool) -> Iterator[Message]:
    role = _role(message, where)
    if role in {"system", "developer"}:
        yield _encode_system(message, role, where)
    elif role == "user":
        yield from _encode_user(message, where, for_claude=for_claude)
    elif role == "assistant":
        yield _encode_assistant(message, where, for_claude=for_claude)
    else:
        yield _encode_tool(message, where, for_claude=for_claude)


def _role(message: BaseMessage, where: str) -> str:
    if isinstance(message, SystemMessage):
        # langchain-openai's mark for a developer message; convert_to_messages sets it.
        return str(message.additional_kwargs.get("__openai_role__", "system"))
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, ToolMessage):
        return "tool"
    if isinstance(message, ChatMessage) and message.role in {"system", "developer", "user", "assistant", "human", "ai"}:
        return {"human": "user", "ai": "assistant"}.get(message.role, message.role)
    described = (
        f"a ChatMessage with role {message.role!r}" if isinstance(message, ChatMessage) else type(message).__name__
    )
    raise EncodingError(f"{where} is {described}, which no model takes; use the message classes of its role")


def _encode_system(message: BaseMessage, role: str, where: str) -> Message:
    encoded: Message = {"role": cast("Literal['system', 'developer']", role)}
    if isinstance(message.content, str):
        encoded["content"] = message.content
    else:
        encoded["content"] = _each(message, where, lambda block, path: encode_text_block(block, where=path))
    return encoded


def _encode_user(message: BaseMessage, where: str, *, for_claude: bool) -> Iterator[Message]:
    encoded: Message = {"role": "user"}
    if message.name and not for_claude:
        encoded["name"] = message.name
    if isinstance(message.content, str):
        yield {**encoded, "content": message.content}
        return
    rest: list[ContentBlock] = []
    for index, block in enumerate(content_blocks(message.content)):
        path = f"{where}.content[{index}]"
        if block.get("type") == "tool_result":
            # Anthropic's form: tool results stand first in a user message. On the wire each is a tool message.
            if rest:
                raise ContentError(f"{path} is a tool_result after other blocks: tool results must come first")
            yield _tool_message(block["tool_use_id"], block.get("content") or "", block, path, for_claude=for_claude)
        else:
            rest.append(encode_user_block(block, where=path, for_claude=for_claude))
    if rest or not message.content:
        yield {**encoded, "content": rest}


def _encode_assistant(message: BaseMessage, where: str, *, for_claude: bool) -> Message:
    encoded: Message = {"role": "assistant"}
    blocks = content_blocks(message.content)
    thinking: list[ContentBlock] = []
    texts: list[ContentBlock] = []
    in_order: list[ContentBlock] = []
    calls = _tool_calls(message)
    for index, block in enumerate(blocks):
        path = f"{where}.content[{index}]"
        if block.get("type") in _TOOL_CALL_TYPES:
            _add_tool_call(calls, block, path)
        elif block.get("type") in {"thinking", "redacted_thinking", "reasoning"}:
            if for_claude and (replayed := encode_thinking_block(block)):
                thinking.append(replayed)
                in_order.append(replayed)
        else:
            text = encode_user_block(block, where=path, for_claude=for_claude)
            if text["type"] != "text":
                raise ContentError(f"{path} is a {block.get('type')!r} block: an assistant message takes text only")
            texts.append(text)
            in_order.append(text)
    if isinstance(message.content, str):
        encoded["content"] = message.content
    elif texts:
        encoded["content"] = texts
    if thinking:
        # The gateway sends these on as they are, in place of content.
        encoded["content_blocks"] = in_order
    if calls:
        encoded["tool_calls"] = list(calls.values())
    return encoded


def _encode_tool(message: BaseMessage, where: str, *, for_claude: bool) -> Message:
    tool_message = cast("ToolMessage", message)
    encoded = _tool_message(
        tool_message.tool_call_id, tool_message.content, tool_message.additional_kwargs, where, for_claude=for_claude
    )
    return _marked_as_error(encoded) if tool_message.status == "error" else encoded


def _tool_message(
    tool_call_id: str, content: str | list[str | dict[str, Any]], marked: Block, where: str, *, for_claude: bool
) -> Message:
    """Build a tool message; a cache breakpoint on the message itself moves to its last block, where it survives."""
    encoded: Message = {"role": "tool", "tool_call_id": tool_call_id}
    mark = cache_control(marked, where=where)
    if isinstance(content, str) and not mark:
        encoded["content"] = content
    else:
        blocks = [
            encode_tool_result_block(block, where=f"{where}.content[{index}]", for_claude=for_claude)
            for index, block in enumerate(content_blocks(content))
        ]
        if mark and blocks:
            blocks[-1] = cast("ContentBlock", {**blocks[-1], "cache_control": mark})
        encoded["content"] = blocks
    return _marked_as_error(encoded) if marked.get("is_error") else encoded


def _marked_as_error(message: Message) -> Message:
    """``is_error`` cannot travel through the gateway, so that a tool failed is said in words."""
    content = message.get("content")
    if isinstance(content, str):
        failed: str | list[ContentBlock] = content if content.startswith(_ERROR_PREFIX) else _ERROR_PREFIX + content
    else:
        failed = [{"type": "text", "text": _ERROR_PREFIX.strip()}, *(content or [])]
    return cast("Message", {**message, "content": failed})


def _tool_calls(message: BaseMessage) -> dict[str, ToolCall]:
    calls: dict[str, ToolCall] = {}
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            calls[call["id"] or ""] = _tool_call(call["id"] or "", call["name"], call["args"])
        for invalid in message.invalid_tool_calls:
            # The gateway fails on arguments that are not JSON; the model still gets to see what it wrote.
            args = {"invalid_arguments": invalid["args"] or ""}
            calls[invalid["id"] or ""] = _tool_call(invalid["id"] or "", invalid["name"] or "", args)
    return calls


def _add_tool_call(calls: dict[str, ToolCall], block: Block, where: str) -> None:
    """Add a call that stands in the content; most stand in ``message.tool_calls`` too, and once is enough."""
    call = calls.setdefault(block["id"], _tool_call(block["id"], block["name"], block.get("input", block.get("args"))))
    if mark := cache_control(block, where=where):
        call["cache_control"] = mark


def _tool_call(call_id: str, name: str, args: Any) -> ToolCall:
    arguments = args if isinstance(args, str) else to_json(args or {}).decode()
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _each(message: BaseMessage, where: str, encode: Callable[[Block, str], ContentBlock]) -> list[ContentBlock]:
    return [encode(block, f"{where}.content[{index}]") for index, block in enumerate(content_blocks(message.content))]
