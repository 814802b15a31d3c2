"""The body of a response, read within bounds: its size, packed or not, and the time of the whole call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import httpx
from typing_extensions import override

from portkey_gateway.http.patience import END_WAIT_S, Patience
from portkey_gateway.http.reply import AsyncReply, Reply
from portkey_gateway.http.unpack import DEFLATE, GZIP, Unpacker
from portkey_gateway.info import GatewayInfo

MAX_BODY_BYTES: Final = 256 * 1024 * 1024
"""Bytes of an answer, unpacked, beyond which it is refused; the vectors of a full request are about half of it."""
MAX_ERROR_BYTES: Final = 1024 * 1024
"""Bytes of an error's body that are read."""

# What httpx unpacks, it unpacks as one: of brotli 60 bytes may hold 100 MB, of gzip within gzip 60 MB.
_SLICE_BYTES: Final = 64
_UNPACKERS: Final = {"": None, "identity": None, "gzip": GZIP, "x-gzip": GZIP, "deflate": DEFLATE}
"""How a body may be packed: what zlib calls it, or ``None`` for not at all. Whatever else there is, httpx unpacks."""


class BodyTooLargeError(Exception):
    """A body is larger than ``MAX_BODY_BYTES``."""


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


def raw_body(received: Received[Reply]) -> Iterator[bytes]:
    """The body as it comes over the wire, or unpacked by httpx where it is packed in a way of its own."""
    body = received.reply.raw()
    if received.encoding in _UNPACKERS:
        return body
    return httpx.Response(200, headers={"content-encoding": received.encoding}, stream=_Stream(body)).iter_bytes()


def araw_body(received: Received[AsyncReply]) -> AsyncIterator[bytes]:
    """Async twin of ``raw_body``."""
    body = received.reply.raw()
    if received.encoding in _UNPACKERS:
        return body
    return httpx.Response(200, headers={"content-encoding": received.encoding}, stream=_AsyncStream(body)).aiter_bytes()


class _Stream(httpx.SyncByteStream):
    """A body as httpx takes it, in slices."""

    def __init__(self, body: Iterator[bytes]) -> None:
        self._body = body

    @override
    def __iter__(self) -> Iterator[bytes]:
        for data in self._body:
            yield from _sliced(data)


class _AsyncStream(httpx.AsyncByteStream):
    """Async twin of ``_Stream``."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._body:
            for piece in _sliced(data):
                yield piece


def _sliced(data: bytes) -> Iterator[bytes]:
    return (data[at : at + _SLICE_BYTES] for at in range(0, len(data), _SLICE_BYTES))


class Bounds:
    """What may still come of one body; unpacks it."""

    __slots__ = ("_came", "_end", "_size", "_unpacker")

    def __init__(self, received: Received[Any]) -> None:
        self._end = received.patience
        self._came = self._size = 0
        bits = _UNPACKERS.get(received.encoding)
        self._unpacker = Unpacker(bits) if bits else None

    @property
    def are_whole(self) -> bool:
        """Whether what is admitted is one piece each time, since it is not packed."""
        return self._unpacker is None

    def admit(self, data: bytes) -> Iterable[bytes]:
        """Take what came, and return what it holds, in pieces.

        Raises:
            httpx.DecodingError: if it cannot be unpacked.
            httpx.ReadTimeout: if the time of the whole call is over.
            BodyTooLargeError: if it is too much.
        """
        if self._end.is_over:
            raise httpx.ReadTimeout("the time is up")
        # What is packed may also hold nothing, or have an end with much behind it.
        self._came += len(data)
        if self._came > MAX_BODY_BYTES:
            raise BodyTooLargeError
        return (data,) if self._unpacker is None else self._unpacked(self._unpacker, data)

    def _unpacked(self, unpacker: Unpacker, data: bytes) -> Iterator[bytes]:
        for piece in unpacker.feed(data):
            self._size += len(piece)
            if self._size > MAX_BODY_BYTES:
                raise BodyTooLargeError
            yield piece


def iter_body(received: Received[Reply]) -> Generator[bytes]:
    """Yield the body of an open response as it comes, and close the response.

    Raises:
        httpx.RequestError: if the connection breaks, or the time is over.
        BodyTooLargeError: if the body is too large.
    """
    bounds = Bounds(received)
    try:
        for data in raw_body(received):
            yield from bounds.admit(data)
    finally:
        received.reply.close()


async def aiter_body(received: Received[AsyncReply]) -> AsyncGenerator[bytes]:
    """Async twin of ``iter_body``."""
    bounds = Bounds(received)
    try:
        async for data in araw_body(received):
            for piece in bounds.admit(data):
                yield piece
    finally:
        await received.reply.close()
