"""Both frameworks asked under one signature: texts in, pieces of text out, sync and async."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, Final, TypeAlias

from llama_index.core.llms import ChatMessage

from portkey_langchain import ChatPortkey
from portkey_llamaindex import Portkey

Model: TypeAlias = ChatPortkey | Portkey
FRAMEWORKS: Final[tuple[type[Model], ...]] = (ChatPortkey, Portkey)
FORMATS: Final = ("chat_completions", "messages")


def models(options: dict[str, Any]) -> list[Model]:
    """A model of each framework, in each API format."""
    return [make(**{**options, "api_format": name}) for make in FRAMEWORKS for name in FORMATS]


def question(number: int) -> tuple[str, str]:
    """A question, and the one answer that belongs to it."""
    answer = f"This is answer {number:06d} and no other."
    return f"Repeat exactly: {answer}", answer


def whole(model: Model, asked: str) -> str:
    """The text of a whole answer."""
    if isinstance(model, ChatPortkey):
        return model.invoke(asked).text
    return model.chat([ChatMessage(asked)]).message.content or ""


async def awhole(model: Model, asked: str) -> str:
    """Async twin of ``whole``."""
    if isinstance(model, ChatPortkey):
        return (await model.ainvoke(asked)).text
    return (await model.achat([ChatMessage(asked)])).message.content or ""


def pieces(model: Model, asked: str) -> Generator[str]:
    """The text of a streamed answer, as it comes."""
    if isinstance(model, ChatPortkey):
        for chunk in model.stream(asked):
            yield chunk.text
    else:
        for response in model.stream_chat([ChatMessage(asked)]):
            yield response.delta or ""


async def apieces(model: Model, asked: str) -> AsyncGenerator[str]:
    """Async twin of ``pieces``."""
    if isinstance(model, ChatPortkey):
        async for chunk in model.astream(asked):
            yield chunk.text
    else:
        async for response in await model.astream_chat([ChatMessage(asked)]):
            yield response.delta or ""


async def streamed(model: Model, asked: str) -> str:
    """The text of a streamed answer, once it is whole."""
    return "".join([piece async for piece in apieces(model, asked)])
