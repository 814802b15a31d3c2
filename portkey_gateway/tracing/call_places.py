"""Where a call of ours stands: in a span that is open, in one that ended lately, or in a trace that is known alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.context import TraceContext
from portkey_gateway.tracing.spans import Attribute, OpenSpan, OpenSpans
from portkey_gateway.tracing.surroundings import MAX_REMEMBERED, RememberedSurroundings, Surroundings

_logger = logging.getLogger(__name__)


class CallPlaces:
    """Finds the span of a call by the ids that it sends to the gateway.

    Args:
        spans: those that are open.
        keeps_traces: whether a span stands in the trace that its call tells the gateway, whatever is around it.
    """

    def __init__(self, spans: OpenSpans, *, keeps_traces: bool) -> None:
        self._spans = spans
        self._keeps_traces = keeps_traces
        self._has_warned = False
        # By span id: of those that ended. By trace id: of calls that are told of though they stand in no span.
        self._ended = RememberedSurroundings()
        self._expected = RememberedSurroundings()
        self._asking = RememberedSurroundings()  # by the framework's id: roots that are calls

    def expect(self, trace: TraceContext, labels: Mapping[str, Attribute]) -> None:
        """Take the calls of a trace from now on, though no span of it is open.

        Args:
            trace: where they stand.
            labels: what is told of their metadata.
        """
        self._expected.note(trace.trace_id, Surroundings.of(trace.trace_id, labels))

    def ended(self, span: OpenSpan, attributes: Mapping[str, Attribute]) -> None:
        """A span is over; tasks that it began may yet call.

        Args:
            span: as it was.
            attributes: all that is told of it.
        """
        context = span.context
        self._ended.note(context.span_id, Surroundings.of(context.trace_id, attributes, self._ended.last))

    def answered(self, key: str) -> None:
        """A step is over: if it was a call and a root, nothing stands beside it any more.

        Args:
            key: the framework's id of it.
        """
        if asked := self._asking.get(key):
            self._expected.forget(asked.trace_id)
            self._asking.forget(key)

    def take_call(self, trace: TraceContext) -> OpenSpan | None:
        """The span of a call of ours that begins, which is open no longer; ``None`` if it is none of this receiver's.

        Args:
            trace: where the call stands, as it tells the gateway.
        """
        if found := self._spans.find(trace.span_id):
            key, span = found
            if not span.awaits_call or self._spans.take(key) is None:
                return None
            if span.context.parent_span_id is None:
                # Whatever else a call asks that is a root itself stands beside it, until that is over: others may
                # name the same trace.
                surroundings = Surroundings.of(trace.trace_id, span.attributes)
                self._asking.note(key, surroundings)
                self._expected.note(trace.trace_id, surroundings)
                return span._replace(context=replace(span.context, trace_id=trace.trace_id))
            context, named = self.in_trace(trace, span.context.trace_id)
            context = replace(span.context, trace_id=context.trace_id)
            return span._replace(context=context, attributes={**span.attributes, **named})
        parent_key = None
        if found := self._spans.find(trace.parent_span_id):
            parent_key, around = found
            self._spans.touch(parent_key)
            known: Surroundings | None = Surroundings.of(around.context.trace_id, around.attributes)
        else:
            known = self._ended.get(trace.parent_span_id)
            if known is None and self._ended.has_forgotten(trace.parent_span_id) and not self._has_warned:
                self._has_warned = True
                _logger.warning(
                    "A call has no span: it was made in a span that ended before %d others did. Further ones are not "
                    "logged",
                    MAX_REMEMBERED,
                )
        return self._beside(trace, known, parent_key)

    def take_expected(self, trace: TraceContext) -> OpenSpan | None:
        """The span of a call that is in no receiver's spans, if this one expects calls of its trace.

        Args:
            trace: where the call stands, as it tells the gateway.
        """
        return self._beside(trace, self._expected.get(trace.trace_id), None)

    def in_trace(self, context: TraceContext, trace_id: str | None) -> tuple[TraceContext, dict[str, Attribute]]:
        """Put a span into the trace of what is around it, where it tells the gateway another that the user chose.

        Returns:
            Where it stands, and the attribute that tells the trace of the user's. Portkey has the gateway's log of it,
            and so it stands there as the gateway was told.
        """
        if self._keeps_traces or context.trace_id in {None, trace_id}:
            return context, {}
        return replace(context, trace_id=trace_id), {semconv.TRACE_ID: str(context.trace_id)}

    def _beside(self, trace: TraceContext, known: Surroundings | None, parent_key: str | None) -> OpenSpan | None:
        if known is None:
            return None
        context, named = self.in_trace(trace, known.trace_id)
        attributes = {**known.attributes, **named}
        return OpenSpan("", context, attributes, "client", parent_key=parent_key, started_ns=time.time_ns())
