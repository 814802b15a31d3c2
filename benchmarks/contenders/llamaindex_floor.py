"""LlamaIndex's own share: an LLM without any network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    ImageBlock,
    LLMMetadata,
    TextBlock,
)
from llama_index.core.llms.callbacks import llm_chat_callback
from llama_index.core.llms.custom import CustomLLM

from benchmarks.answers import answer_pieces
from benchmarks.contenders.llamaindex_calls import LlamaIndexCalls


class FloorLLM(CustomLLM):
    """Answers at once what the mock gateway would answer."""

    answer_tokens: int

    @property
    def metadata(self) -> LLMMetadata:
        """A chat model's."""
        return LLMMetadata(is_chat_model=True)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Nobody asks for it here."""
        raise NotImplementedError

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """Nobody asks for it here."""
        raise NotImplementedError

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:  # noqa: ARG002 as LLM
        """Return a whole answer."""
        return _response("".join(self._pieces(messages)))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:  # noqa: ARG002 as LLM
        """Async twin of ``chat``."""
        return _response("".join(self._pieces(messages)))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:  # noqa: ARG002 as LLM
        """Yield what was said so far."""

        def responses() -> ChatResponseGen:
            said = ""
            for piece in self._pieces(messages):
                said += piece
                yield _response(said, piece)

        return responses()

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:  # noqa: ARG002 as LLM
        """Async twin of ``stream_chat``."""

        async def responses() -> ChatResponseAsyncGen:
            said = ""
            for piece in self._pieces(messages):
                said += piece
                yield _response(said, piece)

        return responses()

    def _pieces(self, messages: Sequence[ChatMessage]) -> list[str]:
        # Only the last message of a prompt is ever large.
        return answer_pieces(len(messages), sum(map(_length, messages[-1].blocks)), self.answer_tokens)


def make(base_url: str, answer_tokens: int) -> LlamaIndexCalls:  # noqa: ARG001 the floor calls nothing
    """Return the contender."""
    return LlamaIndexCalls(FloorLLM(answer_tokens=answer_tokens))


def _response(said: str, piece: str | None = None) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role="assistant", content=said), delta=piece)


def _length(block: Any) -> int:
    if isinstance(block, TextBlock):
        return len(block.text)
    return len(block.image or b"") if isinstance(block, ImageBlock) else 0
