"""Our own calls, watched by the receivers that want spans of them; where nobody does, it costs next to nothing.

Where a call stands is told by the ids that it sends to the gateway (``TraceContext``). A receiver has its span if it
has opened one for it, of what the framework told, or holds the span that the call belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias

from portkey_gateway.conversation.answer import Answer
from portkey_gateway.options import GatewayFields
from portkey_gateway.tracing.context import TraceContext
from portkey_gateway.tracing.costs import TRACE_COSTS
from portkey_gateway.tracing.receivers import RECEIVERS

Operation: TypeAlias = Literal["chat", "embeddings"]


class Watch:
    """One call, from its beginning to its end; this one is watched by nobody, but its cost is noted."""

    def __enter__(self) -> Self:
        """The call begins."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The call is over."""

    def answering(self, so_far: Callable[[], Answer]) -> None:
        """The answer begins to stream.

        Args:
            so_far: tells what came of it.
        """

    def chunk(self) -> None:
        """A piece of the answer came."""

    def answered(self, answer: Any) -> None:
        """The whole answer came: an ``Answer``, or the vectors of one request."""
        TRACE_COSTS.note(answer)


UNWATCHED: Final = Watch()
"""What a call is told to that nobody watches; it keeps nothing, so that all can share it."""


def watch_call(
    operation: Operation,
    request: Mapping[str, Any],
    trace: TraceContext | None,
    options: GatewayFields,
    *,
    streamed: bool = False,
) -> Watch:
    """Watch a call that is about to be made; a context manager around it. The arguments are those of the span."""
    if not RECEIVERS or trace is None:
        return UNWATCHED
    from portkey_gateway.tracing.watched import Watched  # noqa: PLC0415 most calls have no receiver

    return Watched(operation, request, trace, options, streamed)
