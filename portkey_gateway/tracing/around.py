"""The span that is around whatever begins in a step, which may be folded, or a call that stands beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.fold import FoldedSteps
from portkey_gateway.tracing.spans import OpenSpan, OpenSpans


class Around(NamedTuple):
    """What a step begins in."""

    key: str | None
    """The framework's id of the span around it."""
    span: OpenSpan | None
    """That span, if it is open."""
    told: Mapping[str, Any]
    """What those between tell."""
    calls: Sequence[str]
    """The framework's ids of those between that are calls of ours."""


def span_around(key: str | None, spans: OpenSpans, folded: FoldedSteps) -> Around:
    """Find it, and note that it is alive.

    A call of ours has a span only where it sends a request itself, and a subclass may ask another in its place: what
    begins in it stands beside it.

    Args:
        key: the framework's id of the step in which something begins.
        spans: those that are open.
        folded: the steps without a span.
    """
    key, told = folded.unfold(key)
    span, calls = spans.touch(key) if key else None, list[str]()
    while key and span and span.awaits_call:
        calls.append(key)
        told = {semconv.AGENT_NAME: span.attributes.get(semconv.AGENT_NAME), **told}
        key, more = folded.unfold(span.parent_key)
        told, span = {**more, **told}, spans.touch(key) if key else None
    told = {name: value for name, value in told.items() if value is not None} if told else told
    return Around(key, span, told, calls)
