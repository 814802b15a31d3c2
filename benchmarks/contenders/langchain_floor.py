"""LangChain's own share: a chat model without any network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from benchmarks.answers import answer_pieces
from benchmarks.contenders.langchain_calls import LangChainCalls


class FloorModel(BaseChatModel):
    """Answers at once what the mock gateway would answer."""

    answer_tokens: int

    @property
    def _llm_type(self) -> str:
        return "floor"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="".join(self._pieces(messages))))])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return self._generate(messages)

    def _stream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        for piece in self._pieces(messages):
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))

    async def _astream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages):
            yield chunk

    def _pieces(self, messages: list[BaseMessage]) -> list[str]:
        # Only the last message of a prompt is ever large.
        last = messages[-1].content
        size = len(last) if isinstance(last, str) else sum(_length(block) for block in last)
        return answer_pieces(len(messages), size, self.answer_tokens)


def make(base_url: str, answer_tokens: int) -> LangChainCalls:  # noqa: ARG001 the floor calls nothing
    """Return the contender."""
    return LangChainCalls(FloorModel(answer_tokens=answer_tokens))


def _length(block: Any) -> int:
    return len(block["image_url"]["url"]) if block["type"] == "image_url" else len(block["text"])
