"""The span that is around whatever begins in a step, which may be folded, or a call that stands beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.fold import FoldedSteps
from portkey_gateway.tracing.spans import OpenSpan, OpenSpans

Around: TypeAlias = tuple[str | None, OpenSpan | None, Mapping[str, Any], Sequence[str]]
"""What a step begins in.

The framework's id of the span around it; that span, if it is open; what those between tell; and the framework's ids of
those between that are calls of ours.
"""


def span_around(key: str | None, spans: OpenSpans, folded: FoldedSteps) -> Around:
    """Find it, and note that it is alive.

    A call of ours has a span only where it sends a request itself, and a subclass may ask another in its place: what
    begins in it stands beside it.

    Args:
        key: the framework's id of the step in which something begins.
        spans: those that are open.
        folded: the steps without a span.
    """
    if key is None:
        return None, None, {}, ()
    key, told = folded.unfold(key)
    span, calls = spans.touch(key) if key else None, list[str]()
    while key and span and span.awaits_call:
        calls.append(key)
        told = {semconv.AGENT_NAME: span.attributes.get(semconv.AGENT_NAME), **told}
        key, more = folded.unfold(span.parent_key)
        told, span = {**more, **told}, spans.touch(key) if key else None
    told = {name: value for name, value in told.items() if value is not None} if told else told
    return key, span, told, calls
