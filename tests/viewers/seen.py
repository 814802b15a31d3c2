"""What a viewer tells of a span, in one form for all viewers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portkey_gateway.sandbox import draw_trace
from portkey_gateway.sandbox.span_receiver import ReceivedSpan


@dataclass(frozen=True, slots=True)
class SeenSpan:
    """One span as a viewer tells it."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    kind: str
    """The viewer's word for it, such as ``LLM`` or ``AGENT``."""
    started_ns: int
    is_error: bool
    ended: str | None = None
    """What the span itself says of its end: the type of an error, or how it was broken off."""
    session: str | None = None
    model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens in and out."""
        return self.input_tokens, self.output_tokens


def draw_seen(spans: Iterable[SeenSpan]) -> str:
    """Draw a viewer's spans as our own receiver's are drawn."""
    return draw_trace(
        ReceivedSpan(
            name=span.name,
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_id=span.parent_id,
            kind=0,
            started_ns=span.started_ns,
            ended_ns=span.started_ns,
            attributes={"error.type": span.ended} if span.ended else {},
            is_error=span.is_error,
            exception={},
        )
        for span in spans
    )
