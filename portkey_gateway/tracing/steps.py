"""What a framework tells of its steps → spans, handed to the export. Whatever goes wrong here, no step fails of it."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar

from pydantic import SecretStr

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.around import span_around
from portkey_gateway.tracing.call_facts import USAGE_AND_COST
from portkey_gateway.tracing.call_places import CallPlaces
from portkey_gateway.tracing.context import TraceContext
from portkey_gateway.tracing.fold import Detail, FoldedSteps, Step
from portkey_gateway.tracing.left import Left
from portkey_gateway.tracing.openinference import openinference
from portkey_gateway.tracing.receiver import choose_receiver
from portkey_gateway.tracing.receivers import RECEIVERS
from portkey_gateway.tracing.runner import Runner
from portkey_gateway.tracing.session import SESSION_LABEL
from portkey_gateway.tracing.spans import (
    Attribute,
    Described,
    Failure,
    OpenSpan,
    OpenSpans,
    captures_content,
    error_key,
    failed,
)
from portkey_gateway.tracing.telling import Telling
from portkey_gateway.tracing.unnoticed import Unnoticed

if TYPE_CHECKING:
    from portkey_gateway.tracing.export import SpanExport

Calls: TypeAlias = bool | Literal["auto"]
"""Whether spans of our own calls are exported; ``auto``: to any receiver but Portkey, whose own log is their span."""

SpanT = TypeVar("SpanT")

_logger = logging.getLogger(__name__)


class Tracing:
    """Makes spans, from the start of a step to its end. Safe to use from many threads.

    Args:
        export: where finished spans go; without one nothing is done at all.
        convert: turns the framework's own objects into plain ones, for ``excerpt``.
        capture_content: whether spans hold inputs, outputs and the texts of errors.
        metadata_keys: the only labels that spans hold, if given.
        is_portkey: whether they go to Portkey, which has the calls and what they cost in its own log.
        calls: whether our own calls are exported.
        detail: which steps have spans of their own.

    Attributes:
        export: where finished spans go, or ``None``.
        open: the spans that did not end yet.
        folded: the steps without a span that did not end yet.
        folds: whether there may be such steps.
        places: where our own calls stand.
        calls: whether our own calls are exported.
        left: what is over though nobody tells.
        unnoticed: keeps whatever goes wrong from the user's call, and logs the first time.
    """

    def __init__(
        self,
        export: SpanExport | None,
        *,
        convert: Callable[[Any], Any],
        capture_content: bool = True,
        metadata_keys: Collection[str] | None = None,
        is_portkey: bool = False,
        calls: Calls = "auto",
        detail: Detail = "named",
    ) -> None:
        self.open = OpenSpans()
        self.folded = FoldedSteps()
        self.folds = detail == "named"
        self.export = export
        self._told = Telling(convert, capture_content=capture_content, metadata_keys=metadata_keys)
        self._is_portkey = is_portkey
        self.unnoticed = Unnoticed(_logger)
        self.left = Left()
        self.places = CallPlaces(self.open, keeps_traces=is_portkey)
        if export is not None:
            export.before_close = weakref.WeakMethod(self.finish_all)
        self.calls = export is not None and (not is_portkey if calls == "auto" else calls)
        if self.calls:
            RECEIVERS.add(self)

    @classmethod
    def to_receiver(
        cls,
        *,
        convert: Callable[[Any], Any],
        endpoint: str | None = None,
        headers: Mapping[str, str] | None = None,
        api_key: SecretStr | str | None = None,
        base_url: str | None = None,
        capture_content: bool | None = None,
        metadata_keys: Collection[str] | None = None,
        calls: Calls = "auto",
        detail: Detail = "named",
    ) -> Self:
        """Trace to an OTLP receiver: as given, else as OpenTelemetry's variables say, else the gateway's own.

        Raises:
            ImportError: if OpenTelemetry is not installed, naming the extra ``otel``.
            ValueError: if spans are to go to the hosted gateway and there is no API key; or if ``calls`` or
                ``detail`` is none of its values.
        """
        if calls not in {"auto", True, False}:
            raise ValueError(f"calls={calls!r}: it is 'auto', True or False")
        if detail not in {"named", "all"}:
            raise ValueError(f"detail={detail!r}: it is 'named' or 'all'")
        from portkey_gateway.tracing.export import SpanExport  # noqa: PLC0415 needs the extra, only here

        receiver = choose_receiver(endpoint=endpoint, headers=headers, api_key=api_key, base_url=base_url)
        return cls(
            SpanExport(receiver),
            convert=convert,
            capture_content=captures_content(capture_content),
            metadata_keys=metadata_keys,
            is_portkey=receiver.is_portkey,
            calls=calls,
            detail=detail,
        )

    @property
    def lost(self) -> int:
        """How many spans were lost: they could not be sent, or their steps never ended."""
        return self.open.given_up + (self.export.lost if self.export else 0)

    def flush(self) -> None:
        """Send the spans that wait, and return when that is done."""
        self.left.end(self, at_once=True)
        if self.export:
            self.export.flush()

    def close(self) -> None:
        """Send the spans that wait, and those that are open as unfinished, and stop."""
        RECEIVERS.discard(self)
        if self.export:
            self.export.close()

    def start(
        self,
        key: str,
        context: TraceContext,
        describe: Callable[[OpenSpan | None], Described],
        *,
        parent_key: str | None = None,
        labels: Mapping[str, Any] | None = None,
        awaits_call: bool = False,
        runner: Runner | None = None,
    ) -> None:
        """Open a span.

        Args:
            key: the framework's id of the step.
            context: where it stands; its name is used where ``describe`` tells none.
            describe: tells the span's name and attributes, of the span it belongs to, if that is open.
            parent_key: the framework's id of what it belongs to.
            labels: the metadata of the step.
            awaits_call: whether it is a call of ours, which will tell of itself.
            runner: who runs it, where the framework may not tell its end.
        """
        if self.export is None or (awaits_call and not self.calls):
            return
        try:
            self.left.end(self, look=parent_key is None)
            parent_key, parent, told, calls = span_around(parent_key, self.open, self.folded)
            if parent and told:
                parent = parent._replace(attributes={**parent.attributes, **told})
            described = self._tell(describe, parent)
            if calls and described.attributes.get(semconv.OPERATION) in semconv.MODEL_OPERATIONS:
                for each in calls:
                    self.open.amend(each, lambda call: call._replace(asks_another=True))
            name = described.name or context.span_name or "span"
            attributes = self._told.attributes(described)
            if labels:
                attributes |= self._told.labels(labels)
            if parent and parent.context.trace_id != context.trace_id:
                context, named = self.places.in_trace(context, parent.context.trace_id)
                attributes |= named
            span = OpenSpan(
                name,
                context,
                attributes,
                described.kind,
                awaits_call=awaits_call,
                parent_key=parent_key,
                runner=runner,
                started_ns=time.time_ns(),
            )
            self.open.start(key, span)
        except Exception as error:  # noqa: BLE001 whatever is wrong with a span, the user's call goes on
            self.unnoticed.note(error)

    def knows(self, key: str) -> bool:
        """Whether a step is known here that is not over, by the framework's id; folded or not."""
        return key in self.open or key in self.folded

    def fold(self, key: str, name: str, parent_key: str | None, told: Mapping[str, Any] | None = None) -> None:
        """Begin a step that is folded into the span around it.

        Args:
            key: the framework's id of the step.
            name: what it is called, should it fail.
            parent_key: the framework's id of what it belongs to.
            told: attributes that the steps in it need to know.
        """
        if self.export is not None:
            known = {each: value for each, value in (told or {}).items() if value is not None}
            self.folded.add(key, Step(name, parent_key, known))

    def expect(self, trace: TraceContext, labels: Mapping[str, Any]) -> None:
        """Take the calls of a trace, though no span of it is open: the framework tells of no step around them.

        Args:
            trace: where they stand.
            labels: their metadata.
        """
        if self.calls:
            with self.unnoticed:
                self.places.expect(trace, self._told.labels(labels))

    def end(self, key: str, conclude: Callable[[OpenSpan], Described], *, late_input: Any = None) -> None:
        """End a span, if it is open.

        Args:
            key: the framework's id of the step.
            conclude: tells what the step came to.
            late_input: its input, where only the end tells it.
        """
        self.places.answered(key)
        try:
            if key in self.open.untold:
                self.left.end_inside(self, key)
            if self.folded.take(key):
                return
            span = self.open.take(key)
            # Where no call was made, as when the framework's own cache answered, there is none to tell of.
            if span and not span.awaits_call:
                attributes = self._told.attributes(self._tell(conclude, span))
                if late_input is not None:
                    attributes = {**self._told.input(late_input), **attributes}
                self._send(span, attributes)
        except Exception as error:  # noqa: BLE001 as above
            self.unnoticed.note(error)

    def end_with(self, stream: Any, key: str) -> None:
        """End a span with the life of its stream, which nobody may read: its end is told of only where it was begun.

        Args:
            stream: what the step has returned.
            key: the framework's id of the step.
        """
        weakref.finalize(stream, self.left.streams.append, key).atexit = False

    def tell_session(self, key: str, session: str) -> None:
        """Tell of an open span whose conversation it is, where only what begins directly in it knows.

        Args:
            key: the framework's id of the step.
            session: the conversation.
        """
        names = (semconv.CONVERSATION_ID, semconv.SESSION_ID)
        known = self._told.labels({SESSION_LABEL: session})
        told = {name: known[name] for name in names if name in known}
        # What is around a folded step need not be of its conversation.
        if told and (span := self.open.touch(key)) and semconv.CONVERSATION_ID not in span.attributes:
            self.open.amend(key, lambda span: span._replace(attributes={**span.attributes, **told}))

    def fail(
        self,
        key: str,
        error: BaseException,
        *,
        interrupts: tuple[type[BaseException], ...] = (),
        late_input: Any = None,
    ) -> None:
        """End a span, if it is open, that an exception ended.

        Args:
            key: the framework's id of the step.
            error: the exception.
            interrupts: the framework's exceptions that break a step off so that it can go on later.
            late_input: its input, where only the end tells it.
        """
        self.places.answered(key)
        with self.unnoticed:
            if key in self.open.untold:
                self.left.end_inside(self, key, error)
            attributes, failure = failed(error, interrupts=interrupts, capture_content=self._told.capture_content)
            if step := self.folded.take(key):
                if failure:
                    self._note(step, error, failure)
            elif span := self.open.take(key):
                if span.awaits_call and span.asks_another:
                    # It sent nothing itself, and whom it asked has told of itself.
                    if failure:
                        self._note(Step(span.name, span.parent_key), error, failure)
                    return
                self._fail(span, {**self._told.input(late_input), **attributes}, error, failure)

    def finish_all(self) -> None:
        """Tell of whatever is open that it is not over, and never will be here."""
        self.left.end(self, at_once=True)
        self.left.leave_calls(self)
        for key in self.open.all():
            with self.unnoticed:
                span = self.open.take(key)
                # In a forked process those of its parent are the parent's.
                if span and self.export and not span.awaits_call and span.started_ns >= self.export.begun_ns:
                    self._send(span, {semconv.OUTCOME: "unfinished"})

    def finish_call(
        self, span: OpenSpan, described: Described, error: BaseException | None, convert: Callable[[Any], Any]
    ) -> None:
        """Send the span of a call of ours, which is over.

        Args:
            span: as ``places`` gave it.
            described: the call.
            error: what it ended with, if it failed.
            convert: makes plain values of what is said in the call.
        """
        attributes = self._told.attributes(described, convert)
        if error is None:
            self._send(span, attributes)
            return
        ended, failure = failed(error, capture_content=self._told.capture_content)
        self._fail(span, {**attributes, **ended}, error, failure)

    def _tell(self, tell: Callable[[SpanT], Described], span: SpanT) -> Described:
        """What is told of a span; nothing, if that fails."""
        try:
            return tell(span)
        except Exception as error:  # noqa: BLE001 objects of users may raise anything
            self.unnoticed.note(error)
            return Described()

    def _note(self, step: Step, error: BaseException, failure: Failure) -> None:
        """Tell of an error of a folded step, unless a span in it has told of that."""
        (around, *_), known = span_around(step.around, self.open, self.folded), error_key(error)
        failure = replace(failure, step=step.name, at_ns=time.time_ns())

        if around:
            self.open.amend(around, lambda span: span if known in span.told_errors else span.telling(known, failure))

    def _fail(
        self, span: OpenSpan, attributes: Mapping[str, Attribute], error: BaseException, failure: Failure | None
    ) -> None:
        if failure is None:
            self._send(span, attributes)
            return
        known = error_key(error)
        if span.parent_key:
            self.open.amend(span.parent_key, lambda around: around.telling(known))
        # What failed in it and made it fail is told once.
        inner = tuple(each for each in span.inner_failures if each[0] != known)
        self._send(span._replace(inner_failures=inner), attributes, failure)

    def _send(self, span: OpenSpan, attributes: Mapping[str, Attribute], failure: Failure | None = None) -> None:
        if self.export:
            told = {**span.attributes, **attributes}
            if self._is_portkey and told.get(semconv.THROUGH_GATEWAY):
                # Its own log of the call tells it; here it would count again.
                told = {name: value for name, value in told.items() if name not in USAGE_AND_COST}
            if self.calls:
                self.places.ended(span, told)
            if not self._is_portkey:
                told = {**told, **openinference(told)}
            self.export.add(span.end_as(told, failure))
