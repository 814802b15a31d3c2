"""A trace drawn as a tree: the spans that a receiver got, and the calls that went to the gateway between them. Pure."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from portkey_gateway.tracing.context import header_safe

if TYPE_CHECKING:
    from portkey_gateway.sandbox.span_receiver import ReceivedSpan

_Key: TypeAlias = tuple[str, str]
"""A trace and a span of it."""


@dataclass(frozen=True, slots=True)
class TraceNode:
    """One place in a trace."""

    trace_id: str
    span_id: str
    parent_id: str | None
    label: str
    started_ns: int = 0
    """Nanoseconds since 1970; siblings stand in this order."""
    duration_ms: float | None = None
    """Not known of a call: the gateway's log has it."""

    @property
    def key(self) -> _Key:
        """What tells it from all others."""
        return self.trace_id, self.span_id

    @property
    def parent_key(self) -> _Key | None:
        """What it belongs to."""
        return (self.trace_id, self.parent_id) if self.parent_id else None

    @classmethod
    def of_span(cls, span: ReceivedSpan) -> TraceNode:
        """The place of a span, with how it ended if it did not come to its end."""
        told = span.attributes
        # What a tool tells its model as an error has a type, and is no failure of the span.
        ended = told.get("error.type") or ("error" if span.is_error else told.get("portkey.outcome"))
        label = f"{span.name}  [{ended}]" if ended else span.name
        # What the user chose as trace id goes before OpenTelemetry's form of it; a call has it as a header can.
        trace_id = header_safe(told.get("portkey.trace_id", span.trace_id))
        duration_ms = (span.ended_ns - span.started_ns) / 1e6
        return cls(trace_id, span.span_id, span.parent_id, label, span.started_ns, duration_ms)

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

    What says of itself no place in a trace, such as the fetching of an image, is left out.

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
        if request.headers.get("x-portkey-span-id"):
            self.calls.append(TraceNode.of_call(request.headers, time.time_ns()))

    async def anote(self, request: Any) -> None:
        """What `httpx.AsyncClient` calls for a request."""
        self.note(request)


def draw_trace(spans: Iterable[ReceivedSpan], calls: Iterable[TraceNode] = (), *, durations: bool = False) -> str:
    """Draw spans and calls as one tree a root, in the order in which they started.

    A call that was tried again stands there once, with the number of its tries, and so does one of which there is a
    span, by the name of that. What belongs to something that did not
    arrive is drawn as a root of its own, and marked.

    Args:
        spans: what a `SpanReceiver` got.
        calls: what a `CallLog` noted.
        durations: Whether to tell how long each span took, in milliseconds.
    """
    calls = list(calls)
    tries = Counter(call.key for call in calls)
    nodes = {node.key: node for node in [*reversed(calls), *map(TraceNode.of_span, spans)]}
    labels = {key: _label(node, tries[key], durations=durations) for key, node in nodes.items()}
    below: dict[_Key | None, list[TraceNode]] = {}
    for node in sorted(nodes.values(), key=lambda node: node.started_ns):
        below.setdefault(node.parent_key if node.parent_key in nodes else None, []).append(node)

    lines: list[str] = []
    # What is left after the roots belongs to each other in a circle; it is shown all the same.
    while below:
        for root in below.pop(None if None in below else next(iter(below))):
            lines.append(labels[root.key] + _loss(root, nodes))
            lines += _draw_below(root, below, labels)
    return "\n".join(lines)


def _draw_below(
    root: TraceNode, below: dict[_Key | None, list[TraceNode]], labels: Mapping[_Key, str]
) -> Iterator[str]:
    # A stack of its own, since chains may be nested deeper than Python's.
    waiting = _hang(below.pop(root.key, []), "")
    while waiting:
        node, branch, lead = waiting.pop()
        yield branch + labels[node.key]
        waiting += _hang(below.pop(node.key, []), lead)


def _hang(children: list[TraceNode], lead: str) -> list[tuple[TraceNode, str, str]]:
    """Each child, how its line begins, and how those below it begin; the first to draw stands last."""
    return [
        (child, lead + ("└─ " if child is children[-1] else "├─ "), lead + ("   " if child is children[-1] else "│  "))
        for child in reversed(children)
    ]


def _label(node: TraceNode, tries: int, *, durations: bool) -> str:
    more = [f"[{tries} tries]"] if tries > 1 else []
    if durations and node.duration_ms is not None:
        more.append(f"{node.duration_ms:.0f} ms")
    return "  ".join([node.label, *more])


def _loss(root: TraceNode, nodes: Mapping[_Key, TraceNode]) -> str:
    if root.parent_key is None:
        return ""
    return "  [stands below itself]" if root.parent_key in nodes else "  [its parent did not arrive]"
