"""How an answer goes out on the wire: status, headers, pieces, the pauses between them, and whether it ends properly.

An answer is prepared as a value first. A fault is then a function from one delivery to another, and this module is
the only one that sends bytes.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope, Send

EVENT_STREAM: Final = "text/event-stream; charset=utf-8"

# A reader that meets the end of a connection may throw away what it has not read yet: it gets a moment to read.
_BEFORE_CUT_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that are sent at once.

    Attributes:
        data: The bytes.
        wait_s: Seconds to wait before they are sent.
    """

    data: bytes
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A prepared answer; called as an ASGI application, it sends itself.

    Attributes:
        status: The HTTP status.
        headers: The response headers.
        pieces: The body, in pieces.
        complete: False drops the connection after the last piece instead of ending the body.
    """

    status: int
    headers: Mapping[str, str]
    pieces: tuple[Piece, ...]
    complete: bool = True

    @property
    def is_stream(self) -> bool:
        """Whether each piece is one server-sent event."""
        return self.headers.get("content-type") == EVENT_STREAM

    @property
    def body(self) -> bytes:
        """All pieces together."""
        return b"".join(piece.data for piece in self.pieces)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, and stop without a word when the client goes away."""
        _ = scope
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        for piece in self.pieces:
            if piece.wait_s:
                await asyncio.sleep(piece.wait_s)
            await send({"type": "http.response.body", "body": piece.data, "more_body": True})
        if self.complete:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await asyncio.sleep(_BEFORE_CUT_S)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def json_delivery(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Delivery:
    """Prepare a JSON answer."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Delivery(
        status=status,
        headers={"content-type": "application/json", "content-length": str(len(body)), **(headers or {})},
        pieces=(Piece(body),),
    )


def stream_delivery(events: Iterable[bytes], *, headers: Mapping[str, str]) -> Delivery:
    """Prepare a streamed answer of these encoded events."""
    return Delivery(
        status=200,
        headers={"content-type": EVENT_STREAM, "cache-control": "no-cache", **headers},
        pieces=tuple(Piece(event) for event in events),
    )
