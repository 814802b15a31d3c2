"""Content of our answers → LangChain's standard content blocks, behind ``message.content_blocks``.

Our content has Anthropic's form, and LangChain knows how to read that: what is rare is left to its own translator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages import content as types
from langchain_core.messages.block_translators import anthropic, register_translator
from langchain_core.messages.tool import ToolCallChunk

from portkey_gateway.conversation.arguments import as_told
from portkey_gateway.conversation.sound import sound_type
from portkey_langchain.decode import CALL_INDEX, DIRECT, MODEL_PROVIDER, TOOL_CALL_EXTRAS
from portkey_langchain.refusal import refusal_block

_CALL = "tool_use"
_SERVER_CALLS = frozenset({"server_tool_use", "mcp_tool_use"})
_INPUTS = frozenset({"input", "partial_json"})
_OF_A_CALL = frozenset({"type", "id", "name", "input", "index", "partial_json", "cache_control"})


def translate_content(message: AIMessage) -> list[types.ContentBlock]:
    """Translate a whole message: blocks in their order, tool calls that do not stand among them, and a refusal."""
    calls = {str(call["id"]): call for call in message.tool_calls}
    blocks: list[types.ContentBlock] = []
    for block in _blocks(message):
        if block.get("type") != _CALL:
            blocks.append(_translate_block(block, message))
        elif (call := calls.pop(str(block.get("id")), None)) is not None:
            known = {"type": "tool_call", "id": call["id"], "name": call["name"], "args": call["args"]}
            blocks.append(cast("types.ContentBlock", {**known, **_extras(block), **_index(block)}))
    told = _told_of_calls(message)
    rest = ({**call, "type": "tool_call", **_as_extras(told.get(call_id))} for call_id, call in calls.items())
    return [
        *blocks,
        *(cast("types.ContentBlock", call) for call in rest),
        *(cast("types.ContentBlock", {**call}) for call in message.invalid_tool_calls),
        *_refusal(message),
        *_sound(message),
    ]


def translate_content_chunk(message: AIMessageChunk) -> list[types.ContentBlock]:
    """Translate a chunk: what it adds to text, reasoning and tool calls; the last one tells a refusal."""
    if message.chunk_position == "last" and not _is_end_of_stream(message):
        return translate_content(message)
    blocks = [*_blocks(message)]
    translated = [_translate_block(block, message) for block in blocks if block.get("type") != _CALL]
    told = _told_of_calls(message)
    ends = [_translate_call_end(block) for block in blocks if block.get("type") == _CALL and block.get("id") in told]
    calls = (_translate_call_chunk(call, told) for call in message.tool_call_chunks)
    return [*translated, *ends, *calls, *_refusal(message), *_sound(message)]


def _refusal(message: AIMessage) -> Iterator[types.ContentBlock]:
    if block := refusal_block(message):
        yield cast("types.ContentBlock", block)


def _sound(message: AIMessage) -> Iterator[types.ContentBlock]:
    """What was spoken, which stands beside the content; in a stream a piece of it."""
    told = message.additional_kwargs.get("audio")
    if isinstance(told, dict) and told.get("data"):
        extras = {name: value for name, value in told.items() if name not in {"id", "data"}}
        known = {"type": "audio", "base64": told["data"], "mime_type": sound_type(told["data"])}
        named = {"id": told["id"]} if "id" in told else {}
        yield cast("types.ContentBlock", {**known, **named, **({"extras": extras} if extras else {})})


def _is_end_of_stream(message: AIMessageChunk) -> bool:
    """Whether this is the last chunk itself and not the sum that it ends: it tells calls and inputs, and no pieces."""
    ends = (block.get("type") == _CALL or (_INPUTS & block.keys() and "id" not in block) for block in _blocks(message))
    return not message.tool_call_chunks and all(ends)


def _translate_call_chunk(call: ToolCallChunk, told: Mapping[str, Any]) -> types.ContentBlock:
    """Tool calls are counted apart; LangChain's own prefix keeps their index from meeting that of a block."""
    known = {**call, "type": "tool_call_chunk", "index": f"{CALL_INDEX}{call['index']}"}
    return cast("types.ContentBlock", {**known, **_as_extras(told.get(call["id"] or ""))})


def _translate_call_end(block: Mapping[str, Any]) -> types.ContentBlock:
    """What is told of a call only at the end."""
    return cast("types.ContentBlock", {"type": "tool_call_chunk", **_extras(block), **_index(block)})


def _blocks(message: AIMessage) -> Iterator[dict[str, Any]]:
    content = [message.content] if isinstance(message.content, str) else message.content
    for block in content:
        if isinstance(block, dict):
            yield block
        elif block:
            yield {"type": "text", "text": block}


def _translate_block(block: dict[str, Any], message: AIMessage) -> types.ContentBlock:
    kind = block.get("type")
    if kind == "thinking":
        translated: dict[str, Any] = {"type": "reasoning", "reasoning": block.get("thinking", "")}
        if signature := block.get("signature"):
            translated["extras"] = {"signature": signature}
        return cast("types.ContentBlock", {**translated, **_index(block)})
    if kind in types.KNOWN_BLOCK_TYPES and not block.get("citations"):
        return cast("types.ContentBlock", block)
    if kind in _SERVER_CALLS and "id" not in block:
        # The end of a stream tells the input of a call that has begun before.
        told = as_told(block["input"]) if "input" in block else block.get("partial_json", "")
        args = {"type": "server_tool_call_chunk", "args": told}
        return cast("types.ContentBlock", {**args, **_index(block)})
    # LangChain takes the index out of the block that it is given.
    one: AIMessage = AIMessage([dict(block)])
    if isinstance(message, AIMessageChunk):
        one = AIMessageChunk(content=[dict(block)], chunk_position=message.chunk_position)
    [known] = anthropic.translate_content(one)
    return known


def _extras(block: Mapping[str, Any]) -> dict[str, Any]:
    """What the provider says of a call beside what LangChain has a name for, such as its ``caller``."""
    return _as_extras({name: value for name, value in block.items() if name not in _OF_A_CALL})


def _as_extras(told: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"extras": {**told}} if told and told != DIRECT else {}


def _told_of_calls(message: AIMessage) -> Mapping[str, Any]:
    """What a message says of its calls, by their ids; of the chunks of a stream only one says it."""
    return message.additional_kwargs.get(TOOL_CALL_EXTRAS) or {}


def _index(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"index": block["index"]} if "index" in block else {}


register_translator(MODEL_PROVIDER, translate_content, translate_content_chunk)
