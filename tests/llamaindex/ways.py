"""The eight ways to ask a LlamaIndex LLM, under one signature, so that twins share their tests."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage

CHAT = ("chat", "achat", "stream_chat", "astream_chat")
COMPLETE = ("complete", "acomplete", "stream_complete", "astream_complete")

every_way = pytest.mark.parametrize("way", [*CHAT, *COMPLETE])
chat_way = pytest.mark.parametrize("way", CHAT)
streamed_way = pytest.mark.parametrize("way", [way for way in (*CHAT, *COMPLETE) if "stream" in way])


def ask(llm: Any, way: str, given: Any, **more: Any) -> Any:
    """Ask and return the whole answer: of a stream the last response."""
    return ask_all(llm, way, given, **more)[-1]


def ask_all(llm: Any, way: str, given: Any, **more: Any) -> list[Any]:
    """Ask and return every response; a text given to a chat becomes its one message."""
    prompt = [ChatMessage(given)] if way in CHAT and isinstance(given, str) else given
    return call(getattr(llm, way), prompt, **more)


def call(method: Any, *given: Any, **more: Any) -> list[Any]:
    """Call a method of any of the four kinds and return all that it yields."""
    items: list[Any] = []
    each_of(items.append, method, *given, **more)
    return items


def each_of(take: Callable[[Any], None], method: Any, *given: Any, **more: Any) -> None:
    """Call a method of any of the four kinds and hand over whatever it yields, as it comes."""
    result = method(*given, **more)
    if inspect.iscoroutine(result):
        asyncio.run(_each_of(take, result))
        return
    for item in result if isinstance(result, Generator) else [result]:
        take(item)


async def _each_of(take: Callable[[Any], None], coroutine: Any) -> None:
    result = await coroutine
    if not isinstance(result, AsyncGenerator):
        take(result)
        return
    async for item in result:
        take(item)
