"""An answer that began as a string and becomes a list of blocks: the sum of its chunks holds blocks only.

LangChain puts a string before a list that is added to it, as it is, where every reader of ``block["type"]`` stumbles on
it. What was said so far is known only to the sum, so its first chunk and the one that brings the list see to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any, Final

from langchain_core.messages import AIMessageChunk, BaseMessageChunk
from pydantic import PrivateAttr
from typing_extensions import override

LATE_INDEX: Final = "lc_block_"
"""Before the index of a block of a list that begins late: LangChain counts the pieces of a string by itself."""


class GrowingChunk(AIMessageChunk):
    """The first chunk of an answer that begins as a string, or the one with which it becomes a list.

    The sum of such a chunk and others is LangChain's own ``AIMessageChunk``.
    """

    _begun: Mapping[int, int] | None = PrivateAttr(default=None)

    @classmethod
    def of_list(cls, begun: Mapping[int, int], **fields: Any) -> GrowingChunk:
        """The chunk that brings the list.

        Args:
            begun: the position of each text that was told as a string so far, and its length.
            fields: of the chunk.
        """
        chunk = cls(**fields)
        chunk._begun = {**begun}
        return chunk

    @override
    @classmethod
    def lc_id(cls) -> list[str]:
        return AIMessageChunk.lc_id()

    def __add__(self, other: Any) -> BaseMessageChunk:  # type: ignore[override]  # as LangChain's own does
        if isinstance(other, list | tuple) and GrowingChunk in map(type, other):
            summed: BaseMessageChunk = reduce(add, other, self)
            return summed
        return other._added_to(self) if isinstance(other, GrowingChunk) else _plain(self).__add__(other)

    def __radd__(self, left: Any) -> BaseMessageChunk:
        """Add to what came before: Python asks the class that knows more, though it stands on the right."""
        return self._added_to(left) if isinstance(left, AIMessageChunk) else NotImplemented

    def _added_to(self, left: AIMessageChunk) -> BaseMessageChunk:
        if self._begun is not None and isinstance(left.content, str):
            left = left.model_copy(update={"content": self._as_blocks(left.content)})
        return _plain(left) + _plain(self)

    def _as_blocks(self, text: str) -> list[str | dict[str, Any]]:
        """The string as the blocks that it was; as one, if it is no longer what was told."""
        begun = self._begun or {}
        if not text:
            return []
        if sum(begun.values()) != len(text):
            begun = {min(begun, default=0): len(text)}
        blocks: list[str | dict[str, Any]] = []
        start = 0
        for position, length in begun.items():
            told = text[start : start + length]
            blocks.append({"type": "text", "text": told, "index": f"{LATE_INDEX}{position}"})
            start += length
        return blocks


def _plain(chunk: AIMessageChunk) -> AIMessageChunk:
    if not isinstance(chunk, GrowingChunk):
        return chunk
    return AIMessageChunk.model_construct(chunk.model_fields_set, **vars(chunk))
