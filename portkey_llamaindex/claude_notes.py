"""What Claude says beyond what LlamaIndex's blocks can hold, kept beside them in a message, so that it can be replayed.

Notes stand under one key of ``additional_kwargs``, which is stored with a message, and which no other LLM class sends.
Each note says where it belongs, ``at``: how many texts, thoughts and tool calls of the message stand before. It holds
either a ``block`` of Claude's own that stood there (calls of tools that Anthropic runs, their results, a compaction),
or what else was said of the text or call that stands there: its ``citations``, its ``caller``, or by Gemini the
``thought_signature`` without which it refuses the call's replay.
``CachePoint`` and ``CitationBlock`` are not counted: people set the former, and the latter only show what notes hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llama_index.core.base.llms.types import ChatMessage

NOTES: Final = "claude"
"""The key of the notes in a message's ``additional_kwargs``."""


class ClaudeNotes:
    """The notes of a message, read in the order in which its blocks are replayed."""

    def __init__(self, message: ChatMessage) -> None:
        given = message.additional_kwargs.get(NOTES)
        notes = [note for note in given if isinstance(note, Mapping)] if isinstance(given, list) else []
        self._blocks = [note for note in notes if "block" in note]
        self._more = {note.get("at"): note for note in notes if "block" not in note}

    def blocks(self, at: int | None = None) -> Iterator[dict[str, Any]]:
        """Take the blocks of Claude's own that stood before the block of this number, or all that are left."""
        while self._blocks and (at is None or self._blocks[0].get("at", 0) <= at):
            yield {**self._blocks.pop(0)["block"]}

    def more(self, at: int) -> dict[str, Any]:
        """What else Claude said of the block of this number."""
        return {name: value for name, value in self._more.get(at, {}).items() if name != "at"}
