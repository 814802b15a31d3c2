"""The body of a response, read within bounds: its size, packed or not, and the time of the whole call."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

import httpx

from portkey_gateway.http.patience import END_WAIT_S, Patience
from portkey_gateway.info import GatewayInfo

MAX_BODY_BYTES: Final = 256 * 1024 * 1024
"""Bytes of an answer, unpacked, beyond which it is refused; the vectors of a full request are about half of it."""
MAX_ERROR_BYTES: Final = 1024 * 1024
"""Bytes of an error's body that are read."""

_PIECE_BYTES: Final = 1024 * 1024
_ZLIB_HEAD: Final = 2
_IS_PATIENT: Final = "is_patient"  # as ``network`` has it, which imports httpcore
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


@dataclass(slots=True)
class Received:
    """A response whose body is still to be read."""

    response: httpx.Response
    info: GatewayInfo
    patience: Patience
    has_broken: bool = False
    """Whether the connection broke behind the end of the answer."""

    def raw(self) -> Iterator[bytes]:
        """The body as it comes over the wire, or unpacked by httpx where it is packed in a way of its own."""
        # httpx's ``iter_raw`` closes the response at the end of the body, before anybody could look behind it.
        is_known = self.encoding in _UNPACKERS
        return iter(cast("httpx.SyncByteStream", self.response.stream)) if is_known else self.response.iter_bytes()

    def araw(self) -> AsyncIterator[bytes]:
        """Async twin of ``raw``."""
        is_known = self.encoding in _UNPACKERS
        return aiter(cast("httpx.AsyncByteStream", self.response.stream)) if is_known else self.response.aiter_bytes()

    @property
    def encoding(self) -> str:
        """How the body is packed; empty if it is not."""
        encoding: str = self.response.headers.get("content-encoding", "")
        return encoding.strip().lower()

    def needs_last_call(self) -> bool:
        """Wait for the rest of the body ``END_WAIT_S`` at the most; true if the connection cannot be told so."""
        self.patience.hurry(END_WAIT_S)
        stream = self.response.extensions.get("network_stream")
        return stream is not None and not stream.get_extra_info(_IS_PATIENT)

    def refuse_left_over(self) -> None:
        """Let the connection be closed if bytes stand behind the response: they would answer the next call over it.

        httpcore keeps such a connection, and so do the pools of borrowed clients. h11 knows of the bytes, and a
        connection on which sending is said to have failed is not used again.
        """
        stream: Any = self.response.stream
        while (inner := getattr(stream, "_httpcore_stream", None) or getattr(stream, "_stream", None)) is not None:
            stream = inner
        parser = getattr(getattr(stream, "_connection", None), "_h11_state", None)
        if parser is not None and parser.trailing_data[0]:
            parser.send_failed()


class _Bounds:
    """What may still come of one body; unpacks it."""

    __slots__ = ("_end", "_size", "_unpacker")

    def __init__(self, received: Received) -> None:
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


class _LastCall:
    """Shuts the connection of a borrowed client where the rest of a body does not come: it has its own timeouts."""

    def __init__(self, received: Received) -> None:
        self._stream: Any = received.response.extensions["network_stream"]
        self._lock = threading.Lock()
        self._timer: threading.Timer | asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Shut it in ``END_WAIT_S``, from a thread."""
        self._timer = threading.Timer(END_WAIT_S, self._shut)
        self._timer.daemon = True
        self._timer.start()

    def begin_in_loop(self) -> None:
        """Shut it in ``END_WAIT_S``, from the event loop."""
        self._timer = asyncio.get_running_loop().call_later(END_WAIT_S, self._shut)

    def end(self) -> None:
        """Leave it as it is."""
        with self._lock:
            self._stream = None
        if self._timer is not None:
            self._timer.cancel()

    def _shut(self) -> None:
        with (
            self._lock,
            contextlib.suppress(OSError, AttributeError),  # it is closed already
            # Another handle, since uvloop's does not know how to shut.
            socket.socket(fileno=os.dup(self._stream.get_extra_info("socket").fileno())) as handle,
        ):
            handle.shutdown(socket.SHUT_RDWR)


def iter_body(received: Received, ending: Ending | None = None) -> Generator[bytes]:
    """Yield the body of an open response as it comes, and close the response.

    Args:
        received: the response.
        ending: what was learned from the bytes that were yielded; a break behind the end is none.

    Raises:
        httpx.RequestError: if the connection breaks, or the time is over.
        BodyTooLargeError: if the body is too large.
    """
    bounds = _Bounds(received)
    last_call: _LastCall | None = None
    is_ending = False
    try:
        for data in received.raw():
            yield from bounds.admit(data)
            if ending is not None and ending.has_ended and not is_ending:
                is_ending = True
                if received.needs_last_call():
                    last_call = _LastCall(received)
                    last_call.begin()
        received.refuse_left_over()
    except (httpx.RequestError, BodyTooLargeError):
        if ending is None or not (ending.is_whole or ending.has_ended):
            raise
        received.has_broken = True
    finally:
        if last_call is not None:
            last_call.end()
        received.response.close()


async def aiter_body(received: Received, ending: Ending | None = None) -> AsyncGenerator[bytes]:
    """Async twin of ``iter_body``."""
    bounds = _Bounds(received)
    last_call: _LastCall | None = None
    is_ending = False
    try:
        async for data in received.araw():
            for piece in bounds.admit(data):
                yield piece
            if ending is not None and ending.has_ended and not is_ending:
                is_ending = True
                if received.needs_last_call():
                    last_call = _LastCall(received)
                    last_call.begin_in_loop()
        received.refuse_left_over()
    except (httpx.RequestError, BodyTooLargeError):
        if ending is None or not (ending.is_whole or ending.has_ended):
            raise
        received.has_broken = True
    finally:
        if last_call is not None:
            last_call.end()
        await received.response.aclose()
