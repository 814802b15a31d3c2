"""One conversation of every block, stored between its turns: Claude receives what was written and said.

Over chat completions it holds what that format carries; the losses of ``docs/api-formats.md`` are left out of it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.memory import ChatMemoryBuffer, Memory
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

from portkey_gateway.errors import ContentError, PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from portkey_llamaindex import Portkey
from portkey_llamaindex.claude_notes import NOTES
from tests.llamaindex.received import Received
from tests.llamaindex.ways import ask
from tests.support.all_of_claude import CODE_CALLS, TOOLS, WRITTEN, Block

Keep = Callable[[list[ChatMessage]], list[ChatMessage]]


def as_json(messages: list[ChatMessage]) -> list[ChatMessage]:
    return [ChatMessage.model_validate_json(message.model_dump_json()) for message in messages]


def as_dict(messages: list[ChatMessage]) -> list[ChatMessage]:
    return [ChatMessage.model_validate(message.model_dump()) for message in messages]


def in_a_buffer(messages: list[ChatMessage]) -> list[ChatMessage]:
    memory = ChatMemoryBuffer.from_defaults(tokenizer_fn=str.split, token_limit=1_000_000)
    memory.put_messages(messages)
    return memory.get()


def in_a_database(messages: list[ChatMessage]) -> list[ChatMessage]:
    async def keep() -> list[ChatMessage]:
        engine = create_async_engine("sqlite+aiosqlite:///:memory:", poolclass=StaticPool)
        memory = Memory.from_defaults(async_engine=engine, tokenizer_fn=str.split, token_limit=1_000_000)
        try:
            await memory.aput_messages(messages)
            return await memory.aget()
        finally:
            await engine.dispose()

    return asyncio.run(keep())


def data(source: Block) -> bytes:
    return base64.b64decode(source["data"]) if source["type"] == "base64" else source["data"].encode()


def document(source: Block) -> DocumentBlock:
    if "url" in source:
        return DocumentBlock(url=source["url"])
    return DocumentBlock(data=data(source), document_mimetype=source["media_type"])


def as_blocks(block: Block) -> list[ContentBlock]:
    """LlamaIndex's own blocks of a block of Anthropic's; none if it has no class for it."""
    kind, source = block["type"], block.get("source", {})
    if kind == "text":
        mark = block.get("cache_control")
        point = [CachePoint(cache_control=CacheControl(**mark))] if mark else []
        return [TextBlock(text=block["text"]), *point]
    if kind == "image" and source["type"] == "base64":
        return [ImageBlock(image=data(source), image_mimetype="image/png")]
    if kind == "image" and source["type"] == "url":
        return [ImageBlock(url=source["url"])]
    if kind == "search_result":
        texts: list[Any] = [TextBlock(text=text["text"]) for text in block["content"]]
        return [CitableBlock(title=block["title"], source=source, content=texts)]
    is_ours = kind == "document" and source["type"] in {"base64", "text", "url"}
    return as_document(block) if is_ours else []


def as_document(block: Block) -> list[ContentBlock]:
    inner = document(block["source"])
    if "citations" in block:
        return [CitableBlock(title=block["title"], source=block["context"], content=[inner])]
    return [] if "context" in block else [inner]


def message(blocks: list[Block], role: str = "user", **more: Any) -> ChatMessage:
    own: list[ContentBlock] = []
    notes: list[Block] = []
    for block in blocks:
        if known := as_blocks(block):
            own.extend(known)
        else:
            notes.append({"at": len([each for each in own if not isinstance(each, CachePoint)]), "block": block})
    return ChatMessage(role=role, blocks=own, additional_kwargs={**({NOTES: notes} if notes else {}), **more})


def as_messages(shown: list[Block]) -> Iterator[ChatMessage]:
    """Results of tools are messages of their own."""
    rest = [block for block in shown if block["type"] != "tool_result"]
    for result in shown:
        if result["type"] == "tool_result":
            content = result["content"]
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            more: Block = {"tool_call_id": result["tool_use_id"]}
            if result.get("is_error"):
                more["status"] = "error"
            if mark := result.get("cache_control"):
                more["cache_control"] = mark
            yield message(blocks, "tool", **more)
    if rest:
        yield message(rest)


def simplified(told: Block) -> Block:
    """One plain text is sent as a string, of which the gateway makes a block, or not."""
    content = told["content"]
    is_one_text = isinstance(content, list) and [*map(set, content)] == [{"type", "text"}]
    return {**told, "content": content[0]["text"]} if is_one_text else told


@pytest.mark.parametrize("keep", [as_json, as_dict, in_a_buffer, in_a_database])
@pytest.mark.parametrize("way", ["chat", "achat", "stream_chat", "astream_chat"])
def test_claude_receives_it_field_by_field(
    llm: Portkey, sandbox: Sandbox, received: Received, api_format: str, *, keep: Keep, way: str
) -> None:
    turns, asked, expected = WRITTEN[api_format]
    history: list[ChatMessage] = []
    for shown, said, how in turns:
        sandbox.claude.reply_with(*said, **how)
        history.extend(as_messages(shown))
        history.append(ask(llm, way, keep(history), **asked).message)
    ask(llm, way, [*keep(history), ChatMessage("So?")], **asked)
    *told, last = map(simplified, received.latest["messages"])
    assert told == [*map(simplified, expected)]
    assert last == {"role": "user", "content": "So?"}


@pytest.mark.parametrize("note", ["text", [{"file_id": "f"}], ["f"], [{"at": 0, "block": "f"}], {"type": "document"}])
def test_a_note_that_is_no_block_is_named(llm: Portkey, note: Any) -> None:
    with pytest.raises(ContentError, match=r"messages\[0\]\.additional_kwargs\['claude'\]\[0\] must be a block"):
        llm.chat([ChatMessage("Hi", additional_kwargs={NOTES: note})])


@pytest.mark.parametrize("way", ["chat", "stream_chat"])
def test_the_arguments_of_a_call_that_code_made_arrive_or_their_loss_is_told(
    llm: Portkey, sandbox: Sandbox, api_format: str, way: str
) -> None:
    """The gateway blanks them in streams of chat completions (1.15.2)."""
    sandbox.claude.reply_with(*CODE_CALLS)
    if is_lost := way == "stream_chat" and api_format == "chat_completions":
        with pytest.warns(PortkeyWarning, match="arguments of a call of 'look' were lost .* api_format='messages'"):
            answer = ask(llm, way, "Hi", tools=TOOLS)
    else:
        answer = ask(llm, way, "Hi", tools=TOOLS)
    [block] = [block for block in answer.message.blocks if isinstance(block, ToolCallBlock)]
    if is_lost:
        # No tool is run on arguments that nobody knows; whoever looks at the call reads why.
        assert str(block.tool_kwargs).startswith("(lost in the gateway's stream")
        with pytest.raises(ValueError, match="called 'look' with arguments that are not a JSON object"):
            llm.get_tool_calls_from_response(answer)
    else:
        [selected] = llm.get_tool_calls_from_response(answer)
        assert selected.tool_kwargs == block.tool_kwargs == {"at": "place 4"}
