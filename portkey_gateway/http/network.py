"""Connections to one host: sockets of threads, and transports of event loops. Each carries one call at a time."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable
from typing import Any, Final

import httpx
from typing_extensions import override

from portkey_gateway.http.arriving import ARRIVING
from portkey_gateway.http.connecting import (
    MakeContext,
    Place,
    connect_error,
    connect_s,
    is_readable,
    left_s,
    open_socket,
    tls_context,
)
from portkey_gateway.http.patience import Patience
from portkey_gateway.http.tls import Tls

_READ_BYTES: Final = 64 * 1024
_WRITE_BYTES: Final = 256 * 1024
# A body that is no larger leaves with the head, in one piece.
_JOINED_BYTES: Final = 64 * 1024
# What is received and not yet read; the other end waits beyond.
_WAITING_BYTES: Final = 256 * 1024


class Line:
    """A connection over a socket.

    Attributes:
        idle_since: when its last call ended, by the monotonic clock.
        has_written: whether anything was sent of the call that it carries.
    """

    __slots__ = ("_socket", "_timeout_s", "has_written", "idle_since", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.idle_since = 0.0
        self.has_written = False
        self._socket: socket.socket | None = None
        self._timeout_s: float | None = None

    def connect(self, patience: Patience, make_context: MakeContext) -> None:
        """Connect.

        Raises:
            httpx.ConnectError: if that fails; so does ``ConnectTimeout`` for want of time.
            httpx.UnsupportedProtocol: if the address cannot be.
        """
        context = tls_context(self.place, make_context)
        connected = None
        try:
            connected = open_socket(self.place, patience)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                connected.settimeout(connect_s(patience))
                connected = context.wrap_socket(connected, server_hostname=self.place.server_name)
        except BaseException as error:
            if connected is not None:
                connected.close()
            if (told := connect_error(error)) is None:
                raise
            try:
                raise told from error
            finally:
                del told  # this frame stands in its traceback: it would be a circle
        self._socket = connected
        self._timeout_s = connected.gettimeout()

    @property
    def is_usable(self) -> bool:
        """Whether an idle connection can carry a call: one that is readable was closed, or says what nobody asked."""
        return self._socket is not None and not is_readable(self._socket)

    def send(self, head: bytes, body: bytes, patience: Patience) -> None:
        """Send a request.

        Raises:
            httpx.WriteError: if the connection breaks; so does ``WriteTimeout`` for want of time.
        """
        self.has_written = False
        if len(body) <= _JOINED_BYTES:
            head, body = head + body, b""
        try:
            for data in (head, body):
                view = memoryview(data)
                while view:
                    opened = self._within(left_s(patience, httpx.WriteTimeout))
                    view = view[opened.send(view[:_WRITE_BYTES]) :]
                    self.has_written = True
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpx.WriteError(str(error)) from error
        finally:
            head = body = data = b""  # no frame of an error shows them

    def read(self, patience: Patience) -> bytes:
        """Read what comes next; empty at the end of the connection.

        Raises:
            httpx.ReadError: if the connection breaks; so does ``ReadTimeout`` for want of time.
        """
        seconds = left_s(patience, httpx.ReadTimeout)
        try:
            return self._within(seconds).recv(_READ_BYTES)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error

    def _within(self, seconds: float | None) -> socket.socket:
        """The open socket, which waits so long at the most; to tell it anew takes a call of the system's."""
        opened = self._socket
        if opened is None:
            raise OSError("the connection is closed")
        if seconds != self._timeout_s:
            opened.settimeout(seconds)
            self._timeout_s = seconds
        return opened

    def close(self) -> None:
        """Close it."""
        closing, self._socket = self._socket, None
        if closing is not None:
            closing.close()


class AsyncLine(asyncio.BufferedProtocol):
    """A connection of an event loop; the attributes are those of ``Line``.

    What comes wakes up who waits for it, and the time that it may take is watched by one timer for a whole call.
    """

    __slots__ = ("_error", "_expires_at", "_handle", "_has_ended", "_is_full", "_loop", "_received", "_size",
                 "_timed_out", "_timer", "_tls", "_transport", "_waiter", "closed", "has_written", "idle_since",
                 "place")  # fmt: skip

    def __init__(self, place: Place) -> None:
        self.place = place
        self.idle_since = 0.0
        self.has_written = False
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._transport: Any = None
        self._tls: Tls | None = None
        self._received: list[bytes] = []
        self._size = 0
        self._has_ended = self._is_full = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._expires_at = 0.0
        self._timed_out: type[httpx.TimeoutException] = httpx.ReadTimeout
        self._handle: Any = None

    async def connect(self, patience: Patience, make_context: MakeContext) -> None:
        """Connect; raises as ``Line.connect``."""
        context = tls_context(self.place, make_context)
        try:
            await self._connect(patience)
            if context is not None:
                async with asyncio.timeout(connect_s(patience)):
                    await self._shake_hands(Tls(context, self.place.server_name))
        except BaseException as error:
            self.close()
            if (told := connect_error(error)) is None:
                raise
            try:
                raise told from error
            finally:
                del told  # this frame stands in its traceback: it would be a circle
        self._handle = self._transport.get_extra_info("socket")
        if self._handle is not None:
            self._handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def _connect(self, patience: Patience) -> None:
        """Try one address of the host after the other, each for as long as sockets do.

        Where asyncio tries several at once, it leaves one open that was reached just as the call was cancelled.
        """
        async with asyncio.timeout(connect_s(patience)):
            found = await self._loop.getaddrinfo(self.place.host, self.place.port, type=socket.SOCK_STREAM)
        for tried, (family, _, proto, _, address) in enumerate(found, 1):
            try:
                async with asyncio.timeout(connect_s(patience)):
                    await self._loop.create_connection(
                        lambda: self, str(address[0]), self.place.port, family=family, proto=proto
                    )
            except OSError:
                if tried == len(found) or self._transport is not None:
                    raise
            else:
                return

    async def _shake_hands(self, tls: Tls) -> None:
        """Agree on TLS with the other end, which is then known to be who it has to be."""
        came = b""
        while not self._is_agreed(tls, came):
            while not (self._received or self._has_ended):
                await self._wait(None, httpx.ConnectTimeout)
            if not self._received:
                raise self._error or ConnectionResetError("the connection was closed in the handshake of TLS")
            came = self._take()
        self._tls = tls
        self.data_received(b"")  # what came behind the handshake

    def _is_agreed(self, tls: Tls, came: bytes) -> bool:
        try:
            return tls.shake_hands(came)
        finally:
            self._transport.write(tls.take_told())  # also why nothing is agreed on

    @property
    def is_usable(self) -> bool:
        """Whether an idle connection can carry a call, which the loop may not have heard of yet."""
        if self._has_ended or self._received or self._handle is None:
            return False
        return not is_readable(self._handle)

    async def send(self, head: bytes, body: bytes, patience: Patience) -> None:
        """Send a request; raises as ``Line.send``."""
        self.has_written = False
        if len(body) <= _JOINED_BYTES:
            head, body = head + body, b""
        try:
            left_s(patience, httpx.WriteTimeout)  # when the time is up nothing leaves
            for data in (head, body):
                view = memoryview(data)
                while view:
                    if self._transport.is_closing():
                        raise httpx.WriteError("the connection is closed")
                    sent = self._write(view[:_WRITE_BYTES])
                    if self._transport.is_closing():
                        raise httpx.WriteError(str(self._error or "the connection broke"))
                    self.has_written = True
                    view = view[sent:]
                    if not sent:  # the other end has to be heard first
                        await self._wait(left_s(patience, httpx.WriteTimeout), httpx.WriteTimeout)
                    while self._is_full and not self._has_ended:
                        await self._wait(left_s(patience, httpx.WriteTimeout), httpx.WriteTimeout)
        except ssl.SSLError as error:
            raise httpx.WriteError(str(error)) from error
        finally:
            head = body = data = b""  # no frame of an error shows them

    def _write(self, piece: memoryview) -> int:
        """Hand a piece on; how many bytes of it (``Tls.seal``)."""
        if self._tls is None:
            self._transport.write(piece)
            return len(piece)
        sealed, count = self._tls.seal(piece)
        self._transport.write(sealed)
        return count

    async def read(self, patience: Patience) -> bytes:
        """Read what comes next; empty at the end of the connection. Raises as ``Line.read``."""
        while not self._received:
            if self._has_ended:
                if self._error is not None:
                    raise httpx.ReadError(str(self._error)) from self._error
                return b""
            await self._wait(left_s(patience, httpx.ReadTimeout), httpx.ReadTimeout)
        return self._take()

    def _take(self) -> bytes:
        """What was received; the other end may go on."""
        data = self._received[0] if len(self._received) == 1 else b"".join(self._received)
        self._received.clear()
        if self._size > _WAITING_BYTES:
            self._transport.resume_reading()
        self._size = 0
        return data

    def _wait(self, seconds: float | None, timed_out: type[httpx.TimeoutException]) -> Awaitable[None]:
        """Wait until something happens."""
        waiter = self._waiter = self._loop.create_future()
        if seconds is not None:
            self._timed_out = timed_out
            self._expires_at = self._loop.time() + seconds
            if self._timer is None or self._timer.when() > self._expires_at:
                self.rest()
                self._timer = self._loop.call_at(self._expires_at, self._expire)
        return waiter

    def _expire(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._expires_at:
            self._timer = self._loop.call_at(self._expires_at, self._expire)
        else:
            self._waiter.set_exception(self._timed_out("the time is up"))

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def rest(self) -> None:
        """Watch no time any more."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Close it at once; the loop does the rest when it comes to it (``closed``)."""
        self.rest()
        self._has_ended = True
        if self._transport is not None:
            self._transport.abort()
        elif not self.closed.done():
            self.closed.set_result(None)

    # --- what the loop tells ----------------------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        # Sent is what has left: until then whoever sends waits.
        self._transport.set_write_buffer_limits(0)
        if self._has_ended:  # closed meanwhile
            self._transport.abort()

    @override
    def get_buffer(self, sizehint: int) -> memoryview:
        return ARRIVING.view

    @override
    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(ARRIVING.view[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._tls is not None and not (data := self._opened(self._tls, data)):
            self._wake()  # whoever sends may have waited for words of TLS itself
            return
        self._received.append(data)
        was, self._size = self._size, self._size + len(data)
        if was <= _WAITING_BYTES < self._size:
            self._transport.pause_reading()
        self._wake()

    def _opened(self, tls: Tls, came: bytes) -> bytes:
        """What TLS holds of what came."""
        try:
            data = tls.open(came)
        except ssl.SSLError as error:
            self._error = error
            self.close()
            return b""
        if told := tls.take_told():
            self._transport.write(told)
        if tls.has_ended:
            self.eof_received()
            self._transport.close()  # as where the connection ends beneath: whoever sends or waits learns of it
        return data

    @override
    def eof_received(self) -> bool | None:
        self._has_ended = True
        self._wake()
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._has_ended = True
        self._error = self._error or exc
        self._is_full = False
        self._wake()
        if not self.closed.done():
            self.closed.set_result(None)

    @override
    def pause_writing(self) -> None:
        self._is_full = True

    @override
    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()
