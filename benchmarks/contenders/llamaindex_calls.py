"""How any LLM of LlamaIndex is called; the contenders of LlamaIndex differ in their LLM only."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.llms.llm import LLM


class LlamaIndexCalls:
    """Calls an LLM as its users do.

    Args:
        llm: the one to call.
    """

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    def prepare(self, messages: list[dict[str, Any]]) -> list[ChatMessage]:
        """Return LlamaIndex's messages; an image is given by its bytes, as a file is."""
        return [ChatMessage(role=message["role"], blocks=_blocks(message["content"])) for message in messages]

    def invoke(self, messages: list[ChatMessage]) -> str:
        """Return a whole answer's text."""
        return self._llm.chat(messages).message.content or ""

    async def ainvoke(self, messages: list[ChatMessage]) -> str:
        """Async twin of ``invoke``."""
        return (await self._llm.achat(messages)).message.content or ""

    def stream(self, messages: list[ChatMessage]) -> Iterator[str]:
        """Yield the text that each response adds."""
        for response in self._llm.stream_chat(messages):
            yield response.delta or ""

    async def astream(self, messages: list[ChatMessage]) -> AsyncIterator[str]:
        """Async twin of ``stream``."""
        async for response in await self._llm.astream_chat(messages):
            yield response.delta or ""


def _blocks(content: str | list[dict[str, Any]]) -> list[Any]:
    if isinstance(content, str):
        return [TextBlock(text=content)]
    return [_image(block["image_url"]["url"]) if "image_url" in block else TextBlock(**block) for block in content]


def _image(data_url: str) -> ImageBlock:
    return ImageBlock(image=base64.b64decode(data_url.partition(",")[2]), image_mimetype="image/png")
