"""What the emulated Claude has decided to say, before it becomes a message on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

StopReason = Literal[
    "end_turn",
    "tool_use",
    "max_tokens",
    "stop_sequence",
    "refusal",
    "pause_turn",
    "compaction",
    "model_context_window_exceeded",
]

Block = Mapping[str, Any]
"""One content block of an answer, in Anthropic's wire shape."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer without its frame.

    Attributes:
        content: The content blocks, in order.
        stop_reason: Why Claude stopped.
        stop_sequence: The stop sequence that ended the answer, if one did.
        usage: Figures that replace the counted ones, for tests that need exact figures.
        refusal: Of a refusal, why: `category` and `explanation`, as in `anthropic.types.RefusalStopDetails`.
        cut_json: What a stream tells of the last tool call's input when `max_tokens` cut it; a whole answer has `{}`.
    """

    content: tuple[Block, ...]
    stop_reason: StopReason = "end_turn"
    stop_sequence: str | None = None
    usage: Mapping[str, Any] | None = None
    cut_json: str | None = None
    refusal: Mapping[str, Any] | None = None
