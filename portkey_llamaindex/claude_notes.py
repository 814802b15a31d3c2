"""What Claude says beyond what LlamaIndex's blocks can hold, kept beside them in a message, so that it can be replayed.

Notes stand under one key of ``additional_kwargs``, which is stored with a message, and which no other LLM class sends.
Each note says where it belongs, ``at``: how many texts, thoughts and tool calls of the message stand before. It holds
either a ``block`` of Claude's own that stood there (calls of tools that Anthropic runs, their results, a compaction),
or what else was said of the text or call that stands there: its ``citations``, its ``caller``, or by Gemini the
``thought_signature`` without which it refuses the call's replay.

In a message of a user, a tool or the system a note is a block that LlamaIndex has no class for, in Anthropic's form:
with its place as above, or by itself, and then it stands before all others.

``CachePoint`` and ``CitationBlock`` are not counted: people set the former, and the latter only show what notes hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llama_index.core.base.llms.types import ChatMessage

from portkey_gateway.errors import ContentError

NOTES: Final = "claude"
"""The key of the notes in a message's ``additional_kwargs``."""


class ClaudeNotes:
    """The notes of a message, read in the order in which its blocks are replayed."""

    def __init__(self, message: ChatMessage) -> None:
        given = message.additional_kwargs.get(NOTES)
        notes = [note for note in given if isinstance(note, Mapping)] if isinstance(given, list) else []
        told = [_placed(note) for note in notes if "block" in note or "type" in note]
        # Of a kind that a gateway's stream did not tell nothing can be said again.
        self._blocks = [note for note in told if isinstance(note["block"], Mapping) and "type" in note["block"]]
        self._more = {note["at"]: note for note in notes if "at" in note and "block" not in note}

    def blocks(self, at: int | None = None) -> Iterator[dict[str, Any]]:
        """Take the blocks of Claude's own that stood before the block of this number, or all that are left."""
        while self._blocks and (at is None or self._blocks[0].get("at", 0) <= at):
            yield {**self._blocks.pop(0)["block"]}

    def more(self, at: int) -> dict[str, Any]:
        """What else Claude said of the block of this number."""
        return {name: value for name, value in self._more.get(at, {}).items() if name != "at"}


def check_notes(message: ChatMessage, where: str) -> None:
    """Check what people wrote by hand.

    Args:
        message: of anybody but the assistant.
        where: its place, for the error.

    Raises:
        ContentError: if a note is no block with a type.
    """
    given = message.additional_kwargs.get(NOTES, [])
    for index, note in enumerate(given if isinstance(given, list) else [given]):
        block = _placed(note)["block"] if isinstance(note, Mapping) else None
        if not isinstance(given, list) or not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
            raise ContentError(
                f"{where}.additional_kwargs[{NOTES!r}][{index}] must be a block in Anthropic's form, "
                f"{{'type': …}} or {{'at': 0, 'block': {{'type': …}}}}, in a list; got {note!r:.100}"
            )


def _placed(note: Mapping[str, Any]) -> Mapping[str, Any]:
    return note if "block" in note else {"at": 0, "block": note}
