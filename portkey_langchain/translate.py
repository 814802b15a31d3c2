"""Content of our answers → LangChain's standard content blocks, behind ``message.content_blocks``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages import content as types
from langchain_core.messages.block_translators import register_translator
from langchain_core.messages.tool import ToolCallChunk

from portkey_langchain.decode import MODEL_PROVIDER


def translate_content(message: AIMessage) -> list[types.ContentBlock]:
    """Translate a whole message: text and reasoning in their order, then the tool calls."""
    calls = [
        types.ToolCall(type="tool_call", id=call["id"], name=call["name"], args=call["args"])
        for call in message.tool_calls
    ]
    invalid = [cast("types.ContentBlock", {**call}) for call in message.invalid_tool_calls]
    return [*_translate_blocks(message), *calls, *invalid]


def translate_content_chunk(message: AIMessageChunk) -> list[types.ContentBlock]:
    """Translate a chunk: what it adds to text, reasoning and tool calls."""
    if message.chunk_position == "last":
        return translate_content(message)
    return [*_translate_blocks(message), *map(_translate_call_chunk, message.tool_call_chunks)]


def _translate_call_chunk(call: ToolCallChunk) -> types.ContentBlock:
    """Tool calls are counted apart; the prefix, LangChain's own, keeps their index from meeting that of a block."""
    return cast("types.ContentBlock", {**call, "type": "tool_call_chunk", "index": f"lc_tc_{call['index']}"})


def _translate_blocks(message: AIMessage) -> Iterator[types.ContentBlock]:
    content = [message.content] if isinstance(message.content, str) else message.content
    for block in content:
        if isinstance(block, str):
            if block:
                yield types.TextContentBlock(type="text", text=block)
        else:
            yield _translate_block(block)


def _translate_block(block: dict[str, Any]) -> types.ContentBlock:
    kind = block.get("type")
    translated: dict[str, Any]
    if kind == "thinking":
        translated = {"type": "reasoning", "reasoning": block.get("thinking", "")}
        if signature := block.get("signature"):
            translated["extras"] = {"signature": signature}
    elif kind == "text" and "citations" in block:
        translated = {
            "type": "text",
            "text": block["text"],
            "annotations": [*map(_translate_citation, block["citations"])],
        }
    elif kind in types.KNOWN_BLOCK_TYPES:
        return cast("types.ContentBlock", block)
    else:
        value = {name: part for name, part in block.items() if name != "index"}
        translated = {"type": "non_standard", "value": value}
    if "index" in block:
        translated["index"] = block["index"]
    return cast("types.ContentBlock", translated)


def _translate_citation(citation: dict[str, Any]) -> types.Citation:
    known = {name: value for name, value in citation.items() if name in {"url", "title", "cited_text"}}
    extras = {name: value for name, value in citation.items() if name not in known}
    return cast("types.Citation", {"type": "citation", **known, "extras": extras})


register_translator(MODEL_PROVIDER, translate_content, translate_content_chunk)
