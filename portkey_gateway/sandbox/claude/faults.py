"""What can go wrong between a client and Claude, on request.

A fault is a function from the delivery that would have gone out to the one that does (`Fault.spoil`), so each one can
be looked at without a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, get_args

from portkey_gateway.sandbox.claude import sse
from portkey_gateway.sandbox.claude.delivery import Delivery, Piece, json_delivery
from portkey_gateway.sandbox.claude.errors import ClaudeError, ErrorType

FaultKind = Literal[
    "status",
    "error_mid_stream",
    "cut",
    "truncate",
    "garbage_event",
    "stall",
    "slow",
    "split_bytes",
    "html",
    "broken_json",
]

MAX_WAIT_S: Final = 60.0

_TYPE_BY_STATUS: Final[Mapping[int, ErrorType]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_HTML: Final = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
# A pause that lets one piece leave before the next, so that the reader sees them apart.
_PIECE_PAUSE_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble for the next requests.

    A whole (not streamed) answer is one piece. There `error_mid_stream` becomes the error's HTTP status, `truncate`,
    `garbage_event` and `broken_json` send its first half as if it were all, and `cut` drops the connection after it.

    Attributes:
        kind: `status` answers with an error; `error_mid_stream` sends an `error` event after `after` events; `cut`
            drops the connection there; `truncate` ends the body there properly; `garbage_event` puts an event there
            that is not JSON; `stall` is silent there for `seconds`; `slow` waits `seconds` before each event;
            `split_bytes` sends the body in pieces of `size` bytes; `html` answers 200 with a web page;
            `broken_json` sends half of a JSON body, or ends a stream inside an event's JSON after `after` events.
        status: The HTTP status of `status`; for `error_mid_stream` it chooses the error's type.
        error_type: Anthropic's error type; by default the one that belongs to the status.
        message: The error's message.
        headers: Further response headers of `status`, such as `retry-after`.
        after: How many events go out before the trouble.
        seconds: How long `stall` and `slow` wait, `MAX_WAIT_S` at most.
        size: The size of a piece in bytes.
        times: How many requests meet this fault.
        match: Only requests whose body contains this text meet it.

    Raises:
        ValueError: The kind is not known, or a figure is out of range.
    """

    kind: FaultKind
    status: int = 529
    error_type: str | None = None
    message: str = "Overloaded"
    headers: Mapping[str, str] = field(default_factory=dict)
    after: int = 3
    seconds: float = 0.05
    size: int = 1
    times: int = 1
    match: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"unknown fault kind {self.kind!r}: choose one of {', '.join(get_args(FaultKind))}")
        if not 0 <= self.seconds <= MAX_WAIT_S:
            raise ValueError(f"seconds must lie between 0 and {MAX_WAIT_S:g}, not {self.seconds!r}")
        if self.size < 1 or self.times < 1 or self.after < 0:
            raise ValueError("size and times must be at least 1, after at least 0")

    @property
    def answers_itself(self) -> bool:
        """Whether the request never reaches Claude."""
        return self.kind in {"status", "html"}

    @property
    def error(self) -> ClaudeError:
        """The error this fault tells of."""
        error_type = self.error_type or _TYPE_BY_STATUS.get(self.status, "api_error")
        return ClaudeError(self.status, error_type, self.message)  # type: ignore[arg-type]  # tests may invent types

    def answer(self, request_id: str) -> Delivery:
        """Return what goes out instead of an answer."""
        if self.kind == "html":
            headers = {"content-type": "text/html; charset=utf-8", "content-length": str(len(_HTML))}
            return Delivery(200, headers, (Piece(_HTML),))
        headers = {"request-id": request_id, **self.headers}
        return json_delivery(self.error.body(request_id), status=self.status, headers=headers)

    def spoil(self, delivery: Delivery, request_id: str) -> Delivery:
        """Return how this answer goes out in the presence of the fault."""
        match self.kind:
            case "status" | "html":
                return self.answer(request_id)
            case "slow":
                return replace(delivery, pieces=tuple(Piece(piece.data, self.seconds) for piece in delivery.pieces))
            case "split_bytes":
                return replace(delivery, pieces=tuple(_split(delivery.body, self.size)))
            case _:
                return (
                    self._break_stream(delivery, request_id)
                    if delivery.is_stream
                    else self._break_whole(delivery, request_id)
                )

    def _break_stream(self, delivery: Delivery, request_id: str) -> Delivery:
        sent, rest = delivery.pieces[: self.after], delivery.pieces[self.after :]
        match self.kind:
            case "error_mid_stream":
                event = sse.encode(self.error.body(request_id))
                return replace(delivery, pieces=(*sent, Piece(event)))
            case "garbage_event":
                garbage = Piece(b"event: content_block_delta\ndata: {this is not JSON\n\n")
                return replace(delivery, pieces=(*sent, garbage, *rest))
            case "stall":
                late = tuple(Piece(piece.data, self.seconds if i == 0 else 0.0) for i, piece in enumerate(rest))
                return replace(delivery, pieces=sent + late)
            case "broken_json":
                return replace(delivery, pieces=(*sent, *(Piece(_half(piece.data)) for piece in rest[:1])))
            case _:
                return replace(delivery, pieces=sent, complete=self.kind == "truncate")

    def _break_whole(self, delivery: Delivery, request_id: str) -> Delivery:
        match self.kind:
            case "error_mid_stream":
                return self.answer(request_id)
            case "stall":
                return replace(delivery, pieces=(Piece(delivery.body, self.seconds),))
            case "cut":
                return replace(delivery, pieces=(Piece(_half(delivery.body)),), complete=False)
            case _:
                half = _half(delivery.body)
                headers = {**delivery.headers, "content-length": str(len(half))}
                return replace(delivery, headers=headers, pieces=(Piece(half),))


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _split(body: bytes, size: int) -> list[Piece]:
    return [Piece(body[start : start + size], _PIECE_PAUSE_S) for start in range(0, len(body), size)]
