"""A loop of tool calls that still runs: Claude's turn lasts until it answers in words, and began in thought. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})


def loop_start(messages: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The answer with which a loop began whose last results wait for their answer; ``None`` if none do.

    Args:
        messages: a conversation; what a user says beside results belongs to them.
    """
    start = None
    has_results = False
    for message in reversed(messages):
        if message["role"] == "tool":
            has_results = True
        elif message["role"] == "assistant":
            if not has_results:
                break
            start, has_results = message, False
    return start


def begins_in_thought(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer begins with thoughts, which Anthropic wants of a running loop as long as Claude thinks."""
    blocks = answer.get("content_blocks") or answer.get("content")
    return isinstance(blocks, list) and bool(blocks) and blocks[0]["type"] in _THOUGHTS
