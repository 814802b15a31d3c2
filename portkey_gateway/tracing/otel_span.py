"""A finished span → OpenTelemetry's form of it, with the ids that it has (extra ``otel``). Pure."""

from __future__ import annotations

import functools
import hashlib
import re
from types import SimpleNamespace
from typing import ClassVar, Final, Self

from typing_extensions import override

from portkey_gateway.tracing import semconv
from portkey_gateway.tracing.spans import Attribute, Failure, Span

try:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
except ImportError as error:
    raise ImportError('Exporting spans needs OpenTelemetry: pip install "portkey-frameworks[otel]"') from error

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_SCOPE: Final = InstrumentationScope("portkey-frameworks")
_HEX: Final = re.compile(r"[0-9a-f]+")
_INT64: Final = 2**63
_UNSET: Final = Status()
_KINDS: Final = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}


class KnownResource(Resource):
    """A resource that makes its hash once: OpenTelemetry asks for that with every span, and makes JSON of all of it."""

    @classmethod
    def created(cls) -> Self:
        """What OpenTelemetry finds of this process."""
        found = Resource.create()
        return cls(found.attributes, found.schema_url)

    @override
    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        return super().__hash__()


class Waiting(tuple[Span]):
    """A span in OpenTelemetry's queue, which looks at nothing but whether it is to be sent: all of them are."""

    __slots__ = ()

    context: ClassVar = SimpleNamespace(trace_flags=SimpleNamespace(sampled=True))


def readable_span(span: Span, resource: Resource) -> ReadableSpan:
    """Make OpenTelemetry's form of a span.

    Its ``Tracer`` invents ids and decides whether to sample when a span starts; ours come with their ids and are made
    at their end.
    """
    context = span.context
    if context.trace_id is None or context.span_id is None:
        raise ValueError(f"span {span.name!r} has no ids")
    trace_id = _number(context.trace_id, 32)
    # Nearly all are texts that can be sent as they are.
    attributes: dict[str, Attribute] = {
        name if name.isascii() else _sendable_text(name): (
            value if type(value) is str and value.isascii() else _sendable(value)
        )
        for name, value in span.attributes.items()
    }
    if context.trace_id != f"{trace_id:032x}":
        attributes.setdefault(semconv.TRACE_ID, _sendable_text(context.trace_id))
    parent = _context(trace_id, context.parent_span_id) if context.parent_span_id else None
    failure = span.failure
    return ReadableSpan(
        _sendable_text(span.name),
        _context(trace_id, context.span_id),
        parent,
        resource,
        attributes,
        events=_events(span),
        kind=_KINDS[span.kind],
        status=Status(StatusCode.ERROR, _sendable_text(failure.message or failure.type)) if failure else _UNSET,
        start_time=span.started_ns,
        end_time=span.ended_ns,
        instrumentation_scope=_SCOPE,
    )


def _events(span: Span) -> list[Event]:
    events = [_exception(each, each.at_ns) for each in span.inner_failures]
    return [*events, _exception(span.failure, span.ended_ns)] if span.failure else events


# Of every span but a root and a leaf it is asked for twice: as its own, and as what is around another.
@functools.lru_cache(maxsize=1024)
def _context(trace_id: int, span_id: str) -> SpanContext:
    return SpanContext(trace_id, _number(span_id, 16), is_remote=False, trace_flags=_SAMPLED)


@functools.lru_cache(maxsize=256)
def _number(text: str, digits: int) -> int:
    """An id as a number: read where it is hexadecimal or a UUID, else the same one for the same text."""
    if len(text) == digits and text.isascii() and text.isalnum():
        try:
            number = int(text, 16)
        except ValueError:
            number = 0
        if number:
            return number
    plain = text.replace("-", "").lower()
    if len(plain) == digits and _HEX.fullmatch(plain) and (number := int(plain, 16)):
        return number
    return int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest()[: digits // 2])


def _exception(failure: Failure, ended_ns: int) -> Event:
    told = {
        semconv.EXCEPTION_TYPE: failure.type,
        semconv.EXCEPTION_MESSAGE: failure.message,
        semconv.EXCEPTION_STACKTRACE: failure.stacktrace,
        semconv.STEP: failure.step,
    }
    return Event(semconv.EXCEPTION, {name: _sendable_text(text) for name, text in told.items() if text}, ended_ns)


def _sendable(value: Attribute) -> Attribute:
    """One value that OTLP cannot write would cost the whole batch."""
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else float(value)
    if isinstance(value, str):
        return _sendable_text(value)
    return [_sendable_text(str(item)) for item in value]


def _sendable_text(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()
