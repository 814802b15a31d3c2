"""What a framework tells of its steps → spans, handed to the export. Whatever goes wrong here, no step fails of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias

from pydantic import SecretStr

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.call_facts import USAGE_AND_COST
from portkey_gateway.tracing.context import TraceContext, is_internal
from portkey_gateway.tracing.excerpt import excerpt
from portkey_gateway.tracing.fold import Detail, FoldedSteps, Step
from portkey_gateway.tracing.message_excerpt import excerpt_messages
from portkey_gateway.tracing.openinference import openinference
from portkey_gateway.tracing.receivers import RECEIVERS
from portkey_gateway.tracing.session import find_session, find_user
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

if TYPE_CHECKING:
    from portkey_gateway.tracing.export import SpanExport

Calls: TypeAlias = bool | Literal["auto"]
"""Whether spans of our own calls are exported; ``auto``: to any receiver but Portkey, whose own log is their span."""

MAX_INNER_FAILURES: Final = 32
"""Failures of folded steps that a span tells of, those that came last."""

# What a call has from the span around it, where the framework told of that one only.
_INHERITED: Final = (
    semconv.METADATA,
    semconv.CONVERSATION_ID,
    semconv.SESSION_ID,
    semconv.USER_ID,
    semconv.AGENT_NAME,
)

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
        calls: whether our own calls are exported.
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
        self._convert = convert
        self._capture_content = capture_content
        self._metadata_keys = metadata_keys
        self._is_portkey = is_portkey
        self._has_failed = False
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
        from portkey_gateway.tracing.export import SpanExport, choose_receiver  # noqa: PLC0415 needs the extra, only here

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
        if self.export:
            self.export.flush()

    def close(self) -> None:
        """Send the spans that wait, and stop; spans that end later are lost."""
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
    ) -> None:
        """Open a span.

        Args:
            key: the framework's id of the step.
            context: where it stands; its name is used where ``describe`` tells none.
            describe: tells the span's name and attributes, of the span it belongs to, if that is open.
            parent_key: the framework's id of what it belongs to.
            labels: the metadata of the step.
            awaits_call: whether it is a call of ours, which will tell of itself.
        """
        if self.export is None or (awaits_call and not self.calls):
            return
        with self.unnoticed():
            parent_key, told = self.folded.unfold(parent_key)
            parent = self.open.touch(parent_key) if parent_key else None
            if parent and told:
                parent = replace(parent, attributes={**parent.attributes, **told})
            described = Described()
            with self.unnoticed():
                described = describe(parent)
            name = described.name or context.span_name or "span"
            attributes = {**self._attributes(described), **self._labels(labels or {})}
            span = OpenSpan(name, context, attributes, described.kind, awaits_call=awaits_call, parent_key=parent_key)
            self.open.start(key, span)

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

    def step_aside(self, key: str) -> None:
        """Fold a call of ours that turns out to send no request itself: it asks another, which tells of itself.

        Args:
            key: the framework's id of the call, or of a step that is folded into it.
        """
        called, _ = self.folded.unfold(key)
        span = self.open.touch(called) if called else None
        if called and span and span.awaits_call and self.open.take(called):
            self.fold(called, span.name, span.parent_key, {semconv.AGENT_NAME: span.attributes.get(semconv.AGENT_NAME)})

    def end(self, key: str, conclude: Callable[[OpenSpan], Described], *, late_input: Any = None) -> None:
        """End a span, if it is open.

        Args:
            key: the framework's id of the step.
            conclude: tells what the step came to.
            late_input: its input, where only the end tells it.
        """
        if self.folded.take(key):
            return
        with self.unnoticed():
            span = self.open.take(key)
            # Where no call was made, as when the framework's own cache answered, there is none to tell of.
            if span and not span.awaits_call:
                described = Described()
                with self.unnoticed():
                    described = conclude(span)
                self._send(span, {**self._input(late_input), **self._attributes(described)})

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
        with self.unnoticed():
            attributes, failure = failed(error, interrupts=interrupts, capture_content=self._capture_content)
            if step := self.folded.take(key):
                if failure:
                    self._note(step, error, failure)
            elif span := self.open.take(key):
                self._fail(span, {**self._input(late_input), **attributes}, error, failure)

    def take_call(self, trace: TraceContext) -> OpenSpan | None:
        """The span of a call of ours that begins, which is open no longer; ``None`` if it is none of this receiver's.

        Args:
            trace: where the call stands, as it tells the gateway.
        """
        if found := self.open.find(trace.span_id):
            key, span = found
            if not span.awaits_call or self.open.take(key) is None:
                return None
            return replace(span, context=replace(span.context, trace_id=trace.trace_id))
        if (found := self.open.find(trace.parent_span_id)) is None:
            return None
        key, around = found
        self.open.touch(key)
        known = {name: value for name in _INHERITED if (value := around.attributes.get(name)) is not None}
        return OpenSpan("", trace, known, "client", parent_key=key)

    def finish_call(
        self, span: OpenSpan, described: Described, error: BaseException | None, convert: Callable[[Any], Any]
    ) -> None:
        """Send the span of a call of ours, which is over.

        Args:
            span: as ``take_call`` gave it.
            described: the call.
            error: what it ended with, if it failed.
            convert: makes plain values of what is said in the call.
        """
        attributes = self._attributes(described, convert)
        if self._is_portkey:
            attributes = {name: value for name, value in attributes.items() if name not in USAGE_AND_COST}
        if error is None:
            self._send(span, attributes)
            return
        ended, failure = failed(error, capture_content=self._capture_content)
        self._fail(span, {**attributes, **ended}, error, failure)

    @contextmanager
    def unnoticed(self) -> Iterator[None]:
        """Keep whatever goes wrong from the user's call; the first time is logged."""
        try:
            yield
        except Exception:
            if not self._has_failed:
                self._has_failed = True
                _logger.warning("A span could not be made; further ones are not logged", exc_info=True)

    def _note(self, step: Step, error: BaseException, failure: Failure) -> None:
        """Tell of an error of a folded step, unless a span in it has told of that."""
        around, known = self.folded.unfold(step.around)[0], error_key(error)
        failure = replace(failure, step=step.name, at_ns=time.time_ns())

        def amended(span: OpenSpan) -> OpenSpan:
            if known in span.told_errors:
                return span
            noted = (*span.inner_failures, (known, failure))[-MAX_INNER_FAILURES:]
            return replace(span, inner_failures=noted, told_errors=span.told_errors | {known})

        if around:
            self.open.amend(around, amended)

    def _fail(
        self, span: OpenSpan, attributes: Mapping[str, Attribute], error: BaseException, failure: Failure | None
    ) -> None:
        if failure is None:
            self._send(span, attributes)
            return
        known = error_key(error)
        if span.parent_key:
            self.open.amend(span.parent_key, lambda around: replace(around, told_errors=around.told_errors | {known}))
        # What failed in it and made it fail is told once.
        inner = tuple(each for each in span.inner_failures if each[0] != known)
        self._send(replace(span, inner_failures=inner), attributes, failure)

    def _send(self, span: OpenSpan, attributes: Mapping[str, Attribute], failure: Failure | None = None) -> None:
        if self.export:
            finished = span.end(attributes, failure)
            if not self._is_portkey:
                finished = replace(finished, attributes={**finished.attributes, **openinference(finished.attributes)})
            self.export.add(finished)

    def _attributes(self, described: Described, convert: Callable[[Any], Any] | None = None) -> dict[str, Attribute]:
        known = {name: value for name, value in described.attributes.items() if value is not None}
        if not self._capture_content:
            return known
        for name, value in described.content.items():
            if name == semconv.INPUT_MESSAGES:
                known[name] = excerpt_messages(value, convert or self._convert, beside={"role": "user"})
            elif name == semconv.OUTPUT_MESSAGES:
                reasons = described.attributes.get(semconv.FINISH_REASONS)
                reason = reasons[0] if isinstance(reasons, list) else "stop"
                beside = {"role": "assistant", "finish_reason": reason}
                known[name] = excerpt_messages(value, convert or self._convert, beside=beside)
            else:
                known[name] = excerpt(value, convert=convert or self._convert)
        return known

    def _input(self, value: Any) -> dict[str, Attribute]:
        captured = value is not None and self._capture_content
        return {semconv.INPUT_VALUE: excerpt(value, convert=self._convert)} if captured else {}

    def _labels(self, labels: Mapping[str, Any]) -> dict[str, Attribute]:
        keys = self._metadata_keys
        kept = {
            name: value for name, value in labels.items() if not is_internal(name) and (keys is None or name in keys)
        }
        if not kept:
            return {}
        session, user = find_session(kept), find_user(kept)
        told = {semconv.CONVERSATION_ID: session, semconv.SESSION_ID: session, semconv.USER_ID: user}
        return {semconv.METADATA: excerpt(kept), **{name: value for name, value in told.items() if value is not None}}
