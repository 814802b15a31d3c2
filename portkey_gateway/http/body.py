"""The body of a response, read within bounds: its size, packed or not, and the time of the whole call."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

import httpx
from typing_extensions import override

from portkey_gateway.http.patience import END_WAIT_S, Patience
from portkey_gateway.http.reply import AsyncReply, Reply
from portkey_gateway.info import GatewayInfo

MAX_BODY_BYTES: Final = 256 * 1024 * 1024
"""Bytes of an answer, unpacked, beyond which it is refused; the vectors of a full request are about half of it."""
MAX_ERROR_BYTES: Final = 1024 * 1024
"""Bytes of an error's body that are read."""

_PIECE_BYTES: Final = 1024 * 1024
_ZLIB_HEAD: Final = 2
_UNPACKERS: Final = {
    "": None,
    "identity": None,
    "gzip": 16 + zlib.MAX_WBITS,
    "x-gzip": 16 + zlib.MAX_WBITS,
    "deflate": zlib.MAX_WBITS,
}
"""How a body may be packed: what zlib calls it, or ``None`` for not at all. Whatever else there is, httpx unpacks."""


class BodyTooLargeError(Exception):
    """A body is larger than ``MAX_BODY_BYTES``."""


class Ending(Protocol):
    """What is known of the end of a streamed answer."""

    is_whole: bool
    """Whether the answer was told to its end."""
    has_ended: bool
    """Whether the end mark of the stream came."""


ReplyT = TypeVar("ReplyT", bound=Reply | AsyncReply)


@dataclass(slots=True)
class Received(Generic[ReplyT]):
    """A response whose body is still to be read."""

    reply: ReplyT
    info: GatewayInfo
    patience: Patience
    has_broken: bool = False
    """Whether the connection broke behind the end of the answer."""

    @property
    def encoding(self) -> str:
        """How the body is packed; empty if it is not."""
        return self.reply.headers.get("content-encoding", "").strip().lower()

    def hurry(self) -> None:
        """Wait for the rest of the body ``END_WAIT_S`` at the most."""
        self.patience.hurry(END_WAIT_S)
        self.reply.expect_end()


def _raw(received: Received[Reply]) -> Iterator[bytes]:
    """The body as it comes over the wire, or unpacked by httpx where it is packed in a way of its own."""
    body = received.reply.raw()
    if received.encoding in _UNPACKERS:
        return body
    return httpx.Response(200, headers={"content-encoding": received.encoding}, stream=_Stream(body)).iter_bytes()


def _araw(received: Received[AsyncReply]) -> AsyncIterator[bytes]:
    """Async twin of ``_raw``."""
    body = received.reply.raw()
    if received.encoding in _UNPACKERS:
        return body
    return httpx.Response(200, headers={"content-encoding": received.encoding}, stream=_AsyncStream(body)).aiter_bytes()


class _Stream(httpx.SyncByteStream):
    """A body as httpx takes it."""

    def __init__(self, body: Iterator[bytes]) -> None:
        self._body = body

    @override
    def __iter__(self) -> Iterator[bytes]:
        return self._body


class _AsyncStream(httpx.AsyncByteStream):
    """Async twin of ``_Stream``."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body

    @override
    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body


class _Bounds:
    """What may still come of one body; unpacks it."""

    __slots__ = ("_end", "_size", "_unpacker")

    def __init__(self, received: Received[Any]) -> None:
        self._end = received.patience
        self._size = 0
        bits = _UNPACKERS.get(received.encoding)
        self._unpacker = _Unpacker(bits) if bits else None

    def admit(self, data: bytes) -> Iterable[bytes]:
        """Take what came, and return what it holds, in pieces.

        Raises:
            httpx.DecodingError: if it cannot be unpacked.
            httpx.ReadTimeout: if the time of the whole call is over.
            BodyTooLargeError: if it is too much.
        """
        if self._end.is_over:
            raise httpx.ReadTimeout("the time is up")
        if self._unpacker is None:
            self._count(data)
            return (data,)
        return self._unpacked(self._unpacker, data)

    def _unpacked(self, unpacker: _Unpacker, data: bytes) -> Iterator[bytes]:
        for piece in unpacker.feed(data):
            self._count(piece)
            yield piece

    def _count(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            raise BodyTooLargeError


class _Unpacker:
    """Unpacks gzip or deflate piece by piece: 300 KB may hold 300 MB."""

    def __init__(self, window_bits: int) -> None:
        self._bits = window_bits
        self._begun = b""
        self._unpacker: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data`` holds."""
        if self._unpacker is None:
            data = self._begun = self._begun + data
            if len(data) < _ZLIB_HEAD:
                return
            # Some servers send deflate without zlib's head around it, whose two bytes are a multiple of 31 (RFC 1950).
            is_bare = self._bits == zlib.MAX_WBITS and int.from_bytes(data[:_ZLIB_HEAD]) % 31
            self._unpacker = zlib.decompressobj(-zlib.MAX_WBITS if is_bare else self._bits)
        piece = data
        while data or len(piece) >= _PIECE_BYTES:
            try:
                piece = self._unpacker.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise httpx.DecodingError(str(error)) from error
            if piece:
                yield piece
            data = self._unpacker.unconsumed_tail


def iter_body(received: Received[Reply], ending: Ending | None = None) -> Generator[bytes]:
    """Yield the body of an open response as it comes, and close the response.

    Args:
        received: the response.
        ending: what was learned from the bytes that were yielded; a break behind the end is none.

    Raises:
        httpx.RequestError: if the connection breaks, or the time is over.
        BodyTooLargeError: if the body is too large.
    """
    bounds = _Bounds(received)
    is_ending = False
    try:
        for data in _raw(received):
            yield from bounds.admit(data)
            if ending is not None and ending.has_ended and not is_ending:
                is_ending = True
                received.hurry()
    except (httpx.RequestError, BodyTooLargeError):
        if ending is None or not (ending.is_whole or ending.has_ended):
            raise
        received.has_broken = True
    finally:
        received.reply.close()


async def aiter_body(received: Received[AsyncReply], ending: Ending | None = None) -> AsyncGenerator[bytes]:
    """Async twin of ``iter_body``."""
    bounds = _Bounds(received)
    is_ending = False
    try:
        async for data in _araw(received):
            for piece in bounds.admit(data):
                yield piece
            if ending is not None and ending.has_ended and not is_ending:
                is_ending = True
                received.hurry()
    except (httpx.RequestError, BodyTooLargeError):
        if ending is None or not (ending.is_whole or ending.has_ended):
            raise
        received.has_broken = True
    finally:
        await received.reply.close()
