"""Finished spans → an OTLP/HTTP receiver, by OpenTelemetry's own SDK, in the background (extra ``otel``)."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self
from urllib.parse import urlsplit

from typing_extensions import override

from portkey_gateway.secret_names import is_long
from portkey_gateway.tracing.otel_span import KnownResource, Waiting, readable_span
from portkey_gateway.tracing.receiver import Receiver
from portkey_gateway.tracing.spans import Span

try:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    from portkey_gateway.tracing.otlp_session import BoundedSession
except ImportError as error:
    raise ImportError('Exporting spans needs OpenTelemetry: pip install "portkey-frameworks[otel]"') from error

MAX_WAITING_SPANS: Final = 2048
"""Finished spans that may wait for being sent; OpenTelemetry's own default."""
EXIT_WAIT_S: Final = 5.0
"""Seconds after which no further batch is begun when the process ends."""

_TIMEOUT_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
_TIMEOUT_S: Final = 5.0
_MAX_BATCH: Final = 512
_MAX_REASON_CHARS: Final = 300

_logger = logging.getLogger(__name__)


class SpanExport:
    """Sends finished spans in the background: bounded, and never in the way of whoever adds them.

    Nothing runs and nothing is connected before the first span. What waits when the process ends is still sent. What
    cannot be sent is lost, counted in ``lost``, and logged once. Safe to use from many threads, and after a fork. With
    ``OTEL_SDK_DISABLED=true`` it does nothing.

    Args:
        receiver: where to send them.
        max_waiting: finished spans that may wait; further ones are lost.
        timeout_s: seconds for one request with its retries; else what OpenTelemetry's variables say, else 5.

    Attributes:
        before_close: told first of all when it is closed, or the process ends: it may still add spans.
        begun_ns: since when it takes spans of this process, in nanoseconds since 1970.
    """

    begun_ns: int
    before_close: Callable[[], Callable[[], None] | None] | None = None
    _lock: threading.Lock
    _ledger: _Ledger
    _open: BatchSpanProcessor | None

    def __init__(
        self, receiver: Receiver, *, max_waiting: int = MAX_WAITING_SPANS, timeout_s: float | None = None
    ) -> None:
        self._receiver = receiver
        self._max_waiting = max_waiting
        if timeout_s is None and not any(os.environ.get(name) for name in _TIMEOUT_VARIABLES):
            timeout_s = _TIMEOUT_S
        self._timeout_s = timeout_s
        self._disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        self._unless_closed: weakref.finalize[..., SpanExport] | None = None
        self._start_anew()
        _EXPORTS.add(self)

    @property
    def receiver(self) -> Receiver:
        """Where they are sent."""
        return self._receiver

    @property
    def lost(self) -> int:
        """How many spans were lost."""
        return self._ledger.lost

    @property
    def sent(self) -> int:
        """How many spans the receiver took."""
        return self._ledger.sent

    def add(self, span: Span) -> None:
        """Hand over a span to be sent; never waits for the receiver, never raises."""
        if self._disabled or not self._ledger.admit():
            return
        try:
            # It becomes OpenTelemetry's in the thread that sends it.
            waiting: Any = Waiting((span,))
            (self._open or self._opened()).on_end(waiting)
        except Exception as error:  # noqa: BLE001 whatever is wrong with the export, the user's call goes on
            self._ledger.take(1)
            self._ledger.drop(1, repr(error))

    def flush(self) -> None:
        """Send what waits; return when it is sent or lost."""
        if self._open:
            self._open.force_flush()

    def close(self) -> None:
        """Send what waits, for ``EXIT_WAIT_S`` and the time of one request at the most. Later spans are lost."""
        if self.before_close and (told := self.before_close()):
            told()
        self._ledger.close()
        with self._lock:
            opened, self._open = self._open, None
            self._leave_be()
        if opened:
            _shut_down(opened, self._ledger, self._timeout_s)

    def _leave_be(self) -> None:
        if self._unless_closed:
            self._unless_closed.detach()

    def _start_anew(self) -> None:
        self.begun_ns = time.time_ns()
        self._lock = threading.Lock()
        self._ledger = _Ledger(self._max_waiting, self._receiver)
        self._open = None
        self._leave_be()

    def _opened(self) -> BatchSpanProcessor:
        if self._open:
            return self._open
        with self._lock:
            if self._open is None:
                headers = dict(self._receiver.headers)
                session = BoundedSession()
                exporter = OTLPSpanExporter(
                    self._receiver.endpoint, headers=headers, timeout=self._timeout_s, session=session
                )
                processor = BatchSpanProcessor(
                    _CountedExporter(exporter, session, self._ledger, KnownResource.created()),
                    max_queue_size=self._max_waiting,
                    max_export_batch_size=min(_MAX_BATCH, self._max_waiting),
                )
                self._open = processor
                # One that is forgotten, such as a tracer's of a single request, must not keep its thread: the next ends
                # it, since the collector may come in any thread, and whatever that holds.
                left = (processor, self._ledger, self._timeout_s)
                self._unless_closed = weakref.finalize(self, _ABANDONED.append, left)
                self._unless_closed.atexit = False
                _end_abandoned()
            return self._open


def _shut_down(processor: BatchSpanProcessor, ledger: _Ledger, timeout_s: float | None) -> None:
    ledger.close()
    # Its own ``shutdown`` waits half a minute for a receiver that drips.
    inner = getattr(processor, "_batch_processor", None)
    if inner is None:  # before OpenTelemetry 1.33
        processor.shutdown()  # type: ignore[no-untyped-call]  # OpenTelemetry left it untyped
    else:
        inner.shutdown(timeout_millis=int(1000 * (EXIT_WAIT_S + (timeout_s or _TIMEOUT_S))))
    ledger.give_up()


def _end_abandoned() -> None:
    """Send what waits of exports that are gone, and end their threads; in the way of nobody."""
    while _ABANDONED:
        threading.Thread(target=_shut_down, args=_ABANDONED.popleft(), name="portkey-spans").start()


def _close_all() -> None:
    for export in list(_EXPORTS):
        export.close()
    while _ABANDONED:
        _shut_down(*_ABANDONED.popleft())


def _start_all_anew() -> None:
    _ABANDONED.clear()
    for export in list(_EXPORTS):
        export._start_anew()  # noqa: SLF001 nobody else begins anew


_ABANDONED: Final[deque[tuple[BatchSpanProcessor, _Ledger, float | None]]] = deque()
_EXPORTS: Final[weakref.WeakSet[SpanExport]] = weakref.WeakSet()
atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    # The child has none of the parent's threads, and its connections are not the child's to use.
    os.register_at_fork(after_in_child=_start_all_anew)


class _Ledger:
    """Counts what waits, what was sent and what was lost, and tells of the first loss."""

    def __init__(self, max_waiting: int, receiver: Receiver) -> None:
        self.lost = 0
        self.sent = 0
        self._max_waiting = max_waiting
        self._receiver = receiver
        self._waiting = self._sending = 0
        self._failing = self._given_up = False
        self._deadline: float | None = None
        self._told = False
        self._lock = threading.Lock()

    def admit(self) -> bool:
        """Take in one more span, or count it as lost."""
        with self._lock:
            full = self._waiting >= self._max_waiting
            if not full and self._deadline is None:
                self._waiting += 1
                return True
        self.lose(1, f"{self._max_waiting} spans are waiting" if full else "the export is closed")
        return False

    def take(self, count: int) -> bool:
        """Spans are about to be sent; false if the process ends and there is no time, or no hope, for more."""
        with self._lock:
            self._waiting -= count
            self._sending += count
            return self._deadline is None or (not self._failing and time.monotonic() < self._deadline)

    def settle(self, count: int, failure: str | None) -> None:
        """Spans that were taken were sent, or could not be."""
        with self._lock:
            if self._given_up:
                return
            self._sending -= count
            self._failing = failure is not None
            self.sent += count if failure is None else 0
        if failure is not None:
            self.lose(count, failure)

    def drop(self, count: int, reason: str) -> None:
        """Spans that were taken are not sent."""
        with self._lock:
            if self._given_up:
                return
            self._sending -= count
        self.lose(count, reason)

    def give_up(self) -> None:
        """Count as lost what is still not sent, whatever comes of it."""
        with self._lock:
            left, self._given_up = self._waiting + self._sending, True
        if left:
            self.lose(left, "the receiver did not answer in time")

    def lose(self, count: int, reason: str) -> None:
        """Count a loss; log the first."""
        with self._lock:
            self.lost += count
            told, self._told = self._told, True
        if not told:
            query = urlsplit(self._receiver.endpoint).query
            for secret in filter(is_long, [*self._receiver.headers.values(), query]):
                reason = reason.replace(secret, "**********")
            reason = reason[:_MAX_REASON_CHARS] + self._receiver.remedy(reason)
            _logger.warning("%d spans were lost: %s. Further losses are counted, not logged.", count, reason)

    def close(self) -> None:
        """From now on nothing more is taken in."""
        with self._lock:
            self._deadline = time.monotonic() + EXIT_WAIT_S


class _CountedExporter(SpanExporter):
    """OpenTelemetry's exporter, with a ledger of what became of the spans."""

    def __init__(
        self, exporter: OTLPSpanExporter, session: BoundedSession, ledger: _Ledger, resource: Resource
    ) -> None:
        self._exporter = exporter
        self._session = session
        self._ledger = ledger
        self._resource = resource

    @override
    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        if not self._ledger.take(len(spans)):
            self._ledger.drop(len(spans), "the process ends")
            return SpanExportResult.FAILURE
        spans = list(self._readable(spans))
        if not spans:
            return SpanExportResult.SUCCESS
        with _Overheard() as overheard:
            try:
                result = self._exporter.export(spans)
            except Exception as error:  # noqa: BLE001 the thread that sends must live on
                result, overheard.said = SpanExportResult.FAILURE, repr(error)
        failure = None if result is SpanExportResult.SUCCESS else overheard.said or "the receiver did not take them"
        count, why = self._session.rejected if failure is None else (0, "")
        rejected = min(count, len(spans))
        if rejected:
            self._ledger.drop(rejected, f"the receiver rejected them: {why or 'it does not say why'}")
        self._ledger.settle(len(spans) - rejected, failure)
        return result

    def _readable(self, waiting: Sequence[Waiting]) -> Iterator[ReadableSpan]:
        for (span,) in waiting:
            try:
                yield readable_span(span, self._resource)
            except Exception as error:  # noqa: BLE001 whatever is wrong with a span, the others are sent
                self._ledger.drop(1, repr(error))

    @override
    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # OpenTelemetry left it untyped

    @override
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class _Overheard:
    """Keeps to itself what OpenTelemetry would log of one batch: it does so for every batch and every attempt."""

    _listening = threading.local()

    def __init__(self) -> None:
        self.said = ""

    def __enter__(self) -> Self:
        self._listening.now = self
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.now = None

    @classmethod
    def filter(cls, record: logging.LogRecord) -> bool:
        """What a logger asks before it logs."""
        now: _Overheard | None = getattr(cls._listening, "now", None)
        if now is None:
            return True
        # The first is the cause, such as a refused connection; the later ones tell of giving up.
        now.said = now.said or record.getMessage().rstrip(".")
        return False


logging.getLogger(OTLPSpanExporter.__module__).addFilter(_Overheard.filter)
