"""An OTLP/HTTP receiver on this machine: it takes spans as any collector does, and shows what arrived."""

import threading
import zlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from portkey_gateway.sandbox.error import SandboxError

MAX_RECEIVED_SPANS: Final = 10_000
"""Spans that are kept; the oldest are forgotten first."""
MAX_BODY_BYTES: Final = 20 * 2**20
"""Bytes of one request, packed and unpacked; OpenTelemetry's Collector takes as many (`max_request_body_size`)."""

_PATH: Final = "/v1/traces"
_PROTOBUF: Final = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """One span as it came over the wire; ids in hexadecimal, times in nanoseconds since 1970."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    kind: int
    """OTLP's number: 1 internal, 3 client."""
    started_ns: int
    ended_ns: int
    attributes: Mapping[str, Any]
    is_error: bool
    exception: Mapping[str, Any]
    """The attributes of its event, empty if it has none."""
    inner_exceptions: tuple[Mapping[str, Any], ...] = ()
    """The same of steps that are folded into it (`portkey.step` names them)."""


class SpanReceiver:
    """Receives spans from `start` to `stop`, or inside `with`.

    Args:
        port: The loopback port to listen on; 0 takes a free one.

    Example:
        ```python
        with SpanReceiver() as receiver:
            tracer = PortkeyTracer(endpoint=receiver.endpoint)
            chain.invoke("Hello", {"callbacks": [tracer]})
            tracer.flush()
            print(receiver.spans)
        ```
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._spans: deque[ReceivedSpan] = deque(maxlen=MAX_RECEIVED_SPANS)
        self._server: ThreadingHTTPServer | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.endpoint if self._server else 'stopped'}>"

    @property
    def endpoint(self) -> str:
        """Where it takes spans: the `endpoint` of `PortkeyTracer` and `instrument`.

        Raises:
            SandboxError: It is not running.
        """
        if self._server is None:
            raise SandboxError(
                "The receiver is not running. Write `with SpanReceiver() as receiver:`, or call start()."
            )
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}{_PATH}"

    @property
    def spans(self) -> list[ReceivedSpan]:
        """What arrived, in the order of arrival; a span arrives after it has ended."""
        return list(self._spans)

    def clear(self) -> None:
        """Forget what arrived."""
        self._spans.clear()

    def start(self) -> Self:
        """Start to listen; a running one stays.

        Raises:
            OSError: The port is taken.
        """
        if self._server is None:
            self._server = ThreadingHTTPServer(("127.0.0.1", self._port), partial(_Handler, self._spans))
            threading.Thread(target=self._server.serve_forever, args=(0.05,), name="span-receiver", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening; what arrived is kept."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def decode_spans(body: bytes) -> list[ReceivedSpan]:
    """Decode the body of one export request (OTLP 1.9, `ExportTraceServiceRequest`).

    Raises:
        google.protobuf.message.DecodeError: It is none.
    """
    request = ExportTraceServiceRequest.FromString(body)
    return [
        _decode_span(span)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


class _RefusedError(Exception):
    """A request that holds no spans we can read."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    # In HTTP/1.0, the base class's choice, a connection ends with its answer, so that none outlives `stop`.
    timeout = 5
    """Seconds for a request to come in."""

    def __init__(self, spans: deque[ReceivedSpan], *args: Any) -> None:
        self._spans = spans
        super().__init__(*args)

    def do_POST(self) -> None:
        try:
            self._spans.extend(decode_spans(self._read_body()))
        except _RefusedError as error:
            self._answer(error.status, str(error))
        except DecodeError:
            self._answer(HTTPStatus.BAD_REQUEST, "No spans in protobuf")
        else:
            self._answer(HTTPStatus.OK)

    def _read_body(self) -> bytes:
        length = self.headers.get("content-length", "")
        if not length.isdecimal():
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "A content-length is needed")
        if int(length) > MAX_BODY_BYTES:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"More than {MAX_BODY_BYTES} bytes")
        body = self.rfile.read(int(length))
        if self.path != _PATH:
            raise _RefusedError(HTTPStatus.NOT_FOUND, f"Spans go to {_PATH}")
        return _unpack(body) if self.headers.get("content-encoding", "").lower() == "gzip" else body

    def _answer(self, status: HTTPStatus, reason: str | None = None) -> None:
        # An empty message says that all spans were taken (OTLP 1.9, "OTLP/HTTP Response").
        self.send_response(status, reason)
        self.send_header("content-type", _PROTOBUF)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's name
        """Keep quiet: a notebook shows what is printed."""


def _unpack(body: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # gzip's header and trailer
    try:
        unpacked = unpacking.decompress(body, MAX_BODY_BYTES)
    except zlib.error as error:
        raise _RefusedError(HTTPStatus.BAD_REQUEST, "The body is not gzip") from error
    if unpacking.unconsumed_tail:
        raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"More than {MAX_BODY_BYTES} bytes")
    if not unpacking.eof:
        raise _RefusedError(HTTPStatus.BAD_REQUEST, "The gzip breaks off")
    return unpacked


def _decode_span(span: Span) -> ReceivedSpan:
    exceptions = [_read(event.attributes) for event in span.events if event.name == "exception"]
    own = [each for each in exceptions if "portkey.step" not in each]
    return ReceivedSpan(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex() or None,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        _read(span.attributes),
        span.status.code == Status.STATUS_CODE_ERROR,
        own[0] if own else {},
        tuple(each for each in exceptions if "portkey.step" in each),
    )


def _read(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return _read(value.kvlist_value.values)
    return getattr(value, kind) if kind else None
