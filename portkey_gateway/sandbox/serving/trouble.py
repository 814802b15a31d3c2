"""What a fault does to an answer.

It is a function from the delivery that would have gone out to the one that does, so each fault can be looked at without
a network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from portkey_gateway.sandbox.serving.delivery import Delivery, Piece, json_delivery
from portkey_gateway.sandbox.serving.faults import Fault

_HTML: Final = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
# A pause that lets one piece leave before the next, so that the reader sees them apart.
_PIECE_PAUSE_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class Wording:
    """How a provider tells of a failure.

    Attributes:
        id_header: The response header with the request's id.
        error_body: Returns the JSON body for a status, a type (None: the status's own), a message and a request's id.
        encode_event: Writes such a body as one server-sent event.
        garbage: An event of the provider's that is not JSON.
    """

    id_header: str
    error_body: Callable[[int, str | None, str, str], Mapping[str, Any]]
    encode_event: Callable[[Mapping[str, Any]], bytes]
    garbage: bytes


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault in the words of the provider that it befalls.

    Attributes:
        fault: What was ordered.
        wording: How the provider tells of it.
    """

    fault: Fault
    wording: Wording

    @property
    def times(self) -> int:
        """How many requests meet it."""
        return self.fault.times

    @property
    def match(self) -> str | None:
        """Only requests whose body contains this text meet it."""
        return self.fault.match

    @property
    def answers_itself(self) -> bool:
        """Whether the request never reaches the provider."""
        return self.fault.kind in {"status", "html"}

    def answer(self, request_id: str) -> Delivery:
        """Return what goes out instead of an answer."""
        if self.fault.kind == "html":
            headers = {"content-type": "text/html; charset=utf-8", "content-length": str(len(_HTML))}
            return Delivery(200, headers, (Piece(_HTML),))
        headers = {self.wording.id_header: request_id, **self.fault.headers}
        return json_delivery(self._error_body(request_id), status=self.fault.status, headers=headers)

    def spoil(self, delivery: Delivery, request_id: str) -> Delivery:
        """Return how this answer goes out in the presence of the fault."""
        seconds = self.fault.seconds
        match self.fault.kind:
            case "status" | "html":
                return self.answer(request_id)
            case "slow":
                return replace(delivery, pieces=tuple(Piece(piece.data, seconds) for piece in delivery.pieces))
            case "split_bytes":
                return replace(delivery, pieces=tuple(_split(delivery.body, self.fault.size)))
            case _:
                return (
                    self._break_stream(delivery, request_id)
                    if delivery.is_stream
                    else self._break_whole(delivery, request_id)
                )

    def _error_body(self, request_id: str) -> Mapping[str, Any]:
        return self.wording.error_body(self.fault.status, self.fault.error_type, self.fault.message, request_id)

    def _break_stream(self, delivery: Delivery, request_id: str) -> Delivery:
        sent, rest = delivery.pieces[: self.fault.after], delivery.pieces[self.fault.after :]
        match self.fault.kind:
            case "error_mid_stream":
                event = self.wording.encode_event(self._error_body(request_id))
                return replace(delivery, pieces=(*sent, Piece(event)))
            case "garbage_event":
                return replace(delivery, pieces=(*sent, Piece(self.wording.garbage), *rest))
            case "stall":
                late = tuple(Piece(piece.data, self.fault.seconds if i == 0 else 0.0) for i, piece in enumerate(rest))
                return replace(delivery, pieces=sent + late)
            case "broken_json":
                return replace(delivery, pieces=(*sent, *(Piece(_half(piece.data)) for piece in rest[:1])))
            case _:
                return replace(delivery, pieces=sent, complete=self.fault.kind == "truncate")

    def _break_whole(self, delivery: Delivery, request_id: str) -> Delivery:
        match self.fault.kind:
            case "error_mid_stream":
                return self.answer(request_id)
            case "stall":
                return replace(delivery, pieces=(Piece(delivery.body, self.fault.seconds),))
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
