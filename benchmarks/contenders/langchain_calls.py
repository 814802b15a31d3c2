"""How any LangChain chat model is called; the contenders of LangChain differ in their model only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import BaseMessage, convert_to_messages


class LangChainCalls:
    """Calls a chat model as its users do.

    Args:
        model: the model to call.
    """

    def __init__(self, model: BaseChatModel) -> None:
        self._model = model

    def prepare(self, messages: list[dict[str, Any]]) -> list[BaseMessage]:
        """Return LangChain's messages."""
        return convert_to_messages(messages)

    def invoke(self, messages: list[BaseMessage]) -> str:
        """Return a whole answer's text."""
        return self._model.invoke(messages).text

    async def ainvoke(self, messages: list[BaseMessage]) -> str:
        """Async twin of ``invoke``."""
        return (await self._model.ainvoke(messages)).text

    def stream(self, messages: list[BaseMessage]) -> Iterator[str]:
        """Yield the text that each chunk adds."""
        for chunk in self._model.stream(messages):
            yield chunk.text

    async def astream(self, messages: list[BaseMessage]) -> AsyncIterator[str]:
        """Async twin of ``stream``."""
        async for chunk in self._model.astream(messages):
            yield chunk.text
