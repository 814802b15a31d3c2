"""LangChain messages → the gateway's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, cast

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage

from portkey_gateway.conversation.plain import Texts
from portkey_gateway.conversation.request import SYSTEM_ROLES, ContentBlock, Message, Role
from portkey_gateway.errors import ContentError, EncodingError
from portkey_langchain.blocks import (
    cache_control,
    content_blocks,
    encode_block,
    encode_system_block,
)
from portkey_langchain.encode_assistant import CLAUDE_SHAPED, encode_assistant
from portkey_langchain.encode_result import encode_result_block
from portkey_langchain.function_messages import as_tool_messages
from portkey_langchain.media import Block, required_text


def encode_messages(messages: Sequence[BaseMessage]) -> list[Message]:
    """Encode a conversation.

    Args:
        messages: what LangChain hands over.

    Raises:
        EncodingError: if a message or one of its blocks cannot be sent; the text names it.
    """
    messages = as_tool_messages(messages)
    answered = _answered(messages)
    encoded: list[Message] = []
    roles: list[Role] = []
    texts: list[str] = []
    for index, message in enumerate(messages):
        # A conversation may hold a thousand: pydantic's own way to the fields takes longer.
        kind, told = type(message), message.__dict__
        content = told["content"]
        if type(content) is str and not told["additional_kwargs"]:
            # What was said in a text alone, which most of a long conversation is.
            speaker: Role | None = None
            if kind is HumanMessage:
                speaker = None if told["name"] else "user"
            elif kind is AIMessage:
                metadata = told["response_metadata"]
                if not (told["tool_calls"] or told["invalid_tool_calls"]) and (
                    not metadata or metadata.get("model_provider") in CLAUDE_SHAPED
                ):
                    speaker = "assistant"
            elif kind is SystemMessage:
                speaker = "system"
            if speaker:
                encoded.append({"role": speaker, "content": content})
                roles.append(speaker)
                texts.append(content)
                continue
        encoded.extend(_encode_message(message, f"messages[{index}]", answered))
    return Texts(encoded, roles, texts) if len(texts) == len(messages) else encoded


def _encode_message(message: BaseMessage, where: str, answered: frozenset[str]) -> Iterator[Message]:
    role = _role(message, where)
    if role in SYSTEM_ROLES:
        yield _encode_system(message, role, where)
    elif role == "user":
        yield from _encode_user(message, where)
    elif role == "assistant":
        yield encode_assistant(message, where, answered)
    else:
        yield from _encode_tool(message, where)


def _answered(messages: Sequence[BaseMessage]) -> frozenset[str]:
    """The ids of the calls that have a result."""
    # pydantic makes ``isinstance`` slow: of a long conversation each class is looked at once.
    results = {kind for kind in {*map(type, messages)} if issubclass(kind, ToolMessage)}
    named = (cast("ToolMessage", each).tool_call_id for each in messages if type(each) in results) if results else ()
    return frozenset(named)


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
        encoded["content"] = _each(message, where, lambda block, path: encode_system_block(block, where=path))
    return encoded


def _encode_user(message: BaseMessage, where: str) -> Iterator[Message]:
    encoded: Message = {"role": "user"}
    if message.name:
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
            yield _result_message(block, path)
        else:
            rest.append(encode_block(block, where=path))
    if rest or not message.content:
        yield {**encoded, "content": rest}


def _encode_tool(message: BaseMessage, where: str) -> Iterator[Message]:
    tool_message = cast("ToolMessage", message)
    blocks = content_blocks(tool_message.content)
    if blocks and all(block.get("type") == "tool_result" and "tool_use_id" in block for block in blocks):
        # Anthropic's form, with the calls that are answered.
        yield from (_result_message(block, f"{where}.content[{index}]") for index, block in enumerate(blocks))
        return
    encoded = _tool_message(tool_message.tool_call_id, tool_message.content, tool_message.additional_kwargs, where)
    if tool_message.status == "error":
        encoded["is_error"] = True
    yield encoded


def _result_message(block: Block, where: str) -> Message:
    """A tool's result in Anthropic's form as a message of its own."""
    return _tool_message(required_text(block, "tool_use_id", where=where), block.get("content") or "", block, where)


def _tool_message(tool_call_id: str, content: str | list[str | dict[str, Any]], marked: Block, where: str) -> Message:
    """Build a tool message; a cache breakpoint on the message itself moves to its last block, where it survives."""
    encoded: Message = {"role": "tool", "tool_call_id": tool_call_id}
    mark = cache_control(marked, where=where)
    if isinstance(content, str) and not mark:
        encoded["content"] = content
    else:
        told = (
            encode_result_block(block, where=f"{where}.content[{index}]")
            for index, block in enumerate(content_blocks(content))
        )
        blocks = [block for block in told if block]
        if mark and blocks:
            blocks[-1] = cast("ContentBlock", {**blocks[-1], "cache_control": mark})
        encoded["content"] = blocks
    if marked.get("is_error"):
        encoded["is_error"] = True
    return encoded


def _each(message: BaseMessage, where: str, encode: Callable[[Block, str], ContentBlock]) -> list[ContentBlock]:
    return [encode(block, f"{where}.content[{index}]") for index, block in enumerate(content_blocks(message.content))]
