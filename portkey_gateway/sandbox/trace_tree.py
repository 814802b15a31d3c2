"""A trace drawn as a tree: the spans that a receiver got, and the calls that went to the gateway between them. Pure."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portkey_gateway.sandbox.span_receiver import ReceivedSpan


@dataclass(frozen=True, slots=True)
class TraceNode:
    """One place in a trace."""

    trace_id: str
    span_id: str
    parent_id: str | None
    label: str
    started_ns: int = 0
    """Nanoseconds since 1970; siblings stand in this order."""

    @classmethod
    def of_span(cls, span: ReceivedSpan) -> TraceNode:
        """The place of a span, with how it ended if it did not come to its end."""
        outcome = span.attributes.get("portkey.outcome")
        failure = span.attributes.get("error.type", "error") if span.is_error else None
        ended = f"  [{failure or outcome}]" if failure or outcome else ""
        # What the user chose as trace id goes before OpenTelemetry's form of it.
        trace_id = span.attributes.get("portkey.trace_id", span.trace_id)
        return cls(trace_id, span.span_id, span.parent_id, span.name + ended, span.started_ns)

    @classmethod
    def of_call(cls, headers: Mapping[str, str], started_ns: int = 0) -> TraceNode:
        """The place of a call, as the headers of its request say; names in lower case or in any case (httpx)."""
        return cls(
            headers.get("x-portkey-trace-id", ""),
            headers.get("x-portkey-span-id", ""),
            headers.get("x-portkey-parent-span-id"),
            f"{headers.get('x-portkey-span-name', 'call')}  [through the gateway]",
            started_ns,
        )


class CallLog:
    """Notes where the calls of a client of yours stand, as they leave for the gateway.

    Example:
        ```python
        log = CallLog()
        client = httpx.Client(event_hooks={"request": [log.note]})
        model = ChatPortkey(model="claude-sonnet-4-6", http_client=client)
        ```
    """

    def __init__(self) -> None:
        self.calls: list[TraceNode] = []

    def note(self, request: Any) -> None:
        """What `httpx.Client` calls for a request."""
        self.calls.append(TraceNode.of_call(request.headers, time.time_ns()))

    async def anote(self, request: Any) -> None:
        """What `httpx.AsyncClient` calls for a request."""
        self.note(request)


def draw_trace(spans: Iterable[ReceivedSpan], calls: Iterable[TraceNode] = ()) -> str:
    """Draw spans and calls as one tree a root, in the order in which they started.

    A call that was tried again stands there once, with the number of its tries. What belongs to something that did not
    arrive is drawn as a root of its own, and marked.

    Args:
        spans: what a `SpanReceiver` got.
        calls: what a `CallLog` noted.
    """
    calls = list(calls)
    tries = Counter((call.trace_id, call.span_id) for call in calls)
    nodes = {(node.trace_id, node.span_id): node for node in [*map(TraceNode.of_span, spans), *reversed(calls)]}
    below: dict[tuple[str, str] | None, list[TraceNode]] = {}
    for node in sorted(nodes.values(), key=lambda node: node.started_ns):
        parent = (node.trace_id, node.parent_id) if node.parent_id else None
        below.setdefault(parent if parent in nodes else None, []).append(node)

    def draw(node: TraceNode, lead: str) -> Iterator[str]:
        children = below.pop((node.trace_id, node.span_id), [])
        for child in children:
            is_last = child is children[-1]
            yield lead + ("└─ " if is_last else "├─ ") + _label(child, tries)
            yield from draw(child, lead + ("   " if is_last else "│  "))

    lines: list[str] = []
    # What is left after the roots belongs to each other in a circle; it is shown all the same.
    while below:
        for root in below.pop(None if None in below else next(iter(below))):
            lost = "  [its parent did not arrive]" if root.parent_id else ""
            lines += [_label(root, tries) + lost, *draw(root, "")]
    return "\n".join(lines)


def _label(node: TraceNode, tries: Mapping[tuple[str, str], int]) -> str:
    count = tries.get((node.trace_id, node.span_id), 1)
    return node.label if count == 1 else f"{node.label}  [{count} tries]"
