"""What the emulated OpenAI has decided to say, before it becomes a completion on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call.

    Attributes:
        id: Its id.
        name: The tool's name.
        arguments: Its arguments as JSON text; of a custom tool any text.
        custom: Whether the tool takes any text.
    """

    id: str
    name: str
    arguments: str
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer without its frame.

    Attributes:
        content: The words.
        tool_calls: The calls, in order.
        refusal: The words of a refusal.
        finish_reason: Why it ends.
        reasoning_tokens: How many tokens were spent before the first word.
        usage: Figures that replace the counted ones, for tests that need exact figures.
    """

    content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    finish_reason: FinishReason = "stop"
    reasoning_tokens: int = 0
    usage: Mapping[str, Any] | None = None
