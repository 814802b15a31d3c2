"""Four ways to ask a model, under one signature, so that twins share their tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk

Ask = Callable[..., AIMessage]
"""Takes a model (or what `bind` made of it), messages and what else the method takes."""


def total(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    summed = reduce(add, chunks)
    assert isinstance(summed, AIMessageChunk)
    return summed


def invoke(model: Any, messages: Any, /, **more: Any) -> AIMessage:
    answer = model.invoke(messages, **more)
    assert isinstance(answer, AIMessage)
    return answer


def ainvoke(model: Any, messages: Any, /, **more: Any) -> AIMessage:
    answer = asyncio.run(model.ainvoke(messages, **more))
    assert isinstance(answer, AIMessage)
    return answer


def stream(model: Any, messages: Any, /, **more: Any) -> AIMessage:
    return total(list(model.stream(messages, **more)))


def astream(model: Any, messages: Any, /, **more: Any) -> AIMessage:
    async def collect() -> list[AIMessageChunk]:
        return [chunk async for chunk in model.astream(messages, **more)]

    return total(asyncio.run(collect()))


any_call = pytest.mark.parametrize("ask", [invoke, ainvoke, stream, astream])
whole_or_streamed = pytest.mark.parametrize("ask", [invoke, stream])
