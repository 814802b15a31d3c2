"""The ways to ask a model of both frameworks, under one signature: whole and streamed, sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from llama_index.core.llms import ChatMessage, ChatResponse

from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey

QUESTION: Final = "What is the weather in Kiel?"


class Said(NamedTuple):
    """What came of a call, in nobody's words."""

    text: str
    calls: tuple[tuple[str, str], ...]
    """Name and one argument, ``city``, of each tool call."""


Caller: TypeAlias = Callable[[dict[str, Any]], Said]
"""Asks with the options of a model."""


def _langchain(message: AIMessage) -> Said:
    return Said(message.text, tuple((call["name"], call["args"]["city"]) for call in message.tool_calls))


def _llamaindex(response: ChatResponse) -> Said:
    blocks = [block for block in response.message.blocks if block.block_type == "tool_call"]
    calls = tuple((block.tool_name, _city(block.tool_kwargs)) for block in blocks)
    return Said(response.message.content or "", calls)


def _city(arguments: Any) -> str:
    return str(arguments["city"])


def _summed(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


def langchain_invoke(options: dict[str, Any]) -> Said:
    return _langchain(ChatPortkey(**options).invoke([HumanMessage(QUESTION)]))


def langchain_ainvoke(options: dict[str, Any]) -> Said:
    return _langchain(asyncio.run(ChatPortkey(**options).ainvoke([HumanMessage(QUESTION)])))


def langchain_stream(options: dict[str, Any]) -> Said:
    return _langchain(_summed(list(ChatPortkey(**options).stream([HumanMessage(QUESTION)]))))


def langchain_astream(options: dict[str, Any]) -> Said:
    async def ask() -> Said:
        return _langchain(_summed([chunk async for chunk in ChatPortkey(**options).astream([HumanMessage(QUESTION)])]))

    return asyncio.run(ask())


def llamaindex_chat(options: dict[str, Any]) -> Said:
    return _llamaindex(Portkey(**options).chat([ChatMessage(QUESTION)]))


def llamaindex_achat(options: dict[str, Any]) -> Said:
    return _llamaindex(asyncio.run(Portkey(**options).achat([ChatMessage(QUESTION)])))


def llamaindex_stream_chat(options: dict[str, Any]) -> Said:
    return _llamaindex(list(Portkey(**options).stream_chat([ChatMessage(QUESTION)]))[-1])


def llamaindex_astream_chat(options: dict[str, Any]) -> Said:
    async def ask() -> Said:
        responses = await Portkey(**options).astream_chat([ChatMessage(QUESTION)])
        return _llamaindex([response async for response in responses][-1])

    return asyncio.run(ask())


WHOLE: Final = (langchain_invoke, langchain_ainvoke, llamaindex_chat, llamaindex_achat)
STREAMED: Final = (langchain_stream, langchain_astream, llamaindex_stream_chat, llamaindex_astream_chat)
EVERY: Final = (*WHOLE, *STREAMED)
