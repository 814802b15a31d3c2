"""What a framework tells of its steps → spans, handed to the export. Whatever goes wrong here, no step fails of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from pydantic import SecretStr

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.context import TraceContext, is_internal
from portkey_gateway.tracing.excerpt import excerpt
from portkey_gateway.tracing.spans import Attribute, Described, Failure, OpenSpan, OpenSpans, captures_content, failed

if TYPE_CHECKING:
    from portkey_gateway.tracing.export import SpanExport

_logger = logging.getLogger(__name__)


class Tracing:
    """Makes spans, from the start of a step to its end. Safe to use from many threads.

    Args:
        export: where finished spans go; without one nothing is done at all.
        convert: turns the framework's own objects into plain ones, for ``excerpt``.
        capture_content: whether spans hold inputs, outputs and the texts of errors.
        metadata_keys: the only labels that spans hold, if given.

    Attributes:
        export: where finished spans go, or ``None``.
        open: the spans that did not end yet.
    """

    def __init__(
        self,
        export: SpanExport | None,
        *,
        convert: Callable[[Any], Any],
        capture_content: bool = True,
        metadata_keys: Collection[str] | None = None,
    ) -> None:
        self.open = OpenSpans()
        self.export = export
        self._convert = convert
        self._capture_content = capture_content
        self._metadata_keys = metadata_keys
        self._has_failed = False

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
    ) -> Self:
        """Trace to an OTLP receiver: as given, else as OpenTelemetry's variables say, else the gateway's own.

        Raises:
            ImportError: if OpenTelemetry is not installed, naming the extra ``otel``.
            ValueError: if spans are to go to the hosted gateway and there is no API key.
        """
        from portkey_gateway.tracing.export import SpanExport, choose_receiver  # noqa: PLC0415 needs the extra, only here

        receiver = choose_receiver(endpoint=endpoint, headers=headers, api_key=api_key, base_url=base_url)
        return cls(
            SpanExport(receiver),
            convert=convert,
            capture_content=captures_content(capture_content),
            metadata_keys=metadata_keys,
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
    ) -> None:
        """Open a span.

        Args:
            key: the framework's id of the step.
            context: where it stands; its name is used where ``describe`` tells none.
            describe: tells the span's name and attributes, of the span it belongs to, if that is open.
            parent_key: the framework's id of what it belongs to.
            labels: the metadata of the step.
        """
        if self.export is None:
            return
        with self.unnoticed():
            parent = self.open.touch(parent_key) if parent_key else None
            described = Described()
            with self.unnoticed():
                described = describe(parent)
            name = described.name or context.span_name or "span"
            attributes = {**self._attributes(described), **self._labels(labels or {})}
            self.open.start(key, OpenSpan(name, context, attributes, described.kind))

    def end(self, key: str, conclude: Callable[[OpenSpan], Described], *, late_input: Any = None) -> None:
        """End a span, if it is open.

        Args:
            key: the framework's id of the step.
            conclude: tells what the step came to.
            late_input: its input, where only the end tells it.
        """
        with self.unnoticed():
            if span := self.open.take(key):
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
            if span := self.open.take(key):
                attributes, failure = failed(error, interrupts=interrupts, capture_content=self._capture_content)
                self._send(span, {**self._input(late_input), **attributes}, failure)

    @contextmanager
    def unnoticed(self) -> Iterator[None]:
        """Keep whatever goes wrong from the user's call; the first time is logged."""
        try:
            yield
        except Exception:
            if not self._has_failed:
                self._has_failed = True
                _logger.warning("A span could not be made; further ones are not logged", exc_info=True)

    def _send(self, span: OpenSpan, attributes: Mapping[str, Attribute], failure: Failure | None = None) -> None:
        if self.export:
            self.export.add(span.end(attributes, failure))

    def _attributes(self, described: Described) -> dict[str, Attribute]:
        known = {name: value for name, value in described.attributes.items() if value is not None}
        if not self._capture_content:
            return known
        return known | {name: excerpt(value, convert=self._convert) for name, value in described.content.items()}

    def _input(self, value: Any) -> dict[str, Attribute]:
        captured = value is not None and self._capture_content
        return {semconv.INPUT_VALUE: excerpt(value, convert=self._convert)} if captured else {}

    def _labels(self, labels: Mapping[str, Any]) -> dict[str, Attribute]:
        keys = self._metadata_keys
        kept = {
            name: value for name, value in labels.items() if not is_internal(name) and (keys is None or name in keys)
        }
        return {semconv.METADATA: excerpt(kept)} if kept else {}
