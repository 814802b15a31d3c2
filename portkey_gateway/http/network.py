"""Connections to one host: sockets of threads, and transports of event loops. Each carries one call at a time."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

import httpx
from typing_extensions import override

from portkey_gateway.http.patience import Patience

CONNECT_TIMEOUT_S: Final = 10.0
"""Seconds to wait for a connection, where the whole call may take longer."""

_READ_BYTES: Final = 64 * 1024
_WRITE_BYTES: Final = 256 * 1024
# A body that is no larger leaves with the head, in one piece.
_JOINED_BYTES: Final = 64 * 1024
# What is received and not yet read; the other end waits beyond.
_WAITING_BYTES: Final = 256 * 1024
_ALPN: Final = ["http/1.1"]


class Place(NamedTuple):
    """Where a connection goes."""

    scheme: str
    host: str
    port: int
    server_name: str
    """The name that the certificate has to bear."""


MakeContext = Callable[[], ssl.SSLContext]


class Line:
    """A connection over a socket.

    Attributes:
        idle_since: when its last call ended, by the monotonic clock.
        has_written: whether anything was sent of the call that it carries.
    """

    __slots__ = ("_is_readable", "_socket", "has_written", "idle_since", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.idle_since = 0.0
        self.has_written = False
        self._socket: socket.socket | None = None
        self._is_readable: Callable[[], bool] | None = None

    def connect(self, patience: Patience, make_context: MakeContext) -> None:
        """Connect.

        Raises:
            httpx.ConnectError: if that fails; so does ``ConnectTimeout`` for want of time.
            httpx.UnsupportedProtocol: if the address cannot be.
        """
        context = _context(self.place, make_context)
        connected = None
        try:
            connected = _connected(self.place, patience)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                connected.settimeout(_connect_s(patience))
                connected = context.wrap_socket(connected, server_hostname=self.place.server_name)
        except BaseException as error:
            if connected is not None:
                connected.close()
            if (told := _connect_error(error)) is None:
                raise
            try:
                raise told from error
            finally:
                del told  # this frame stands in its traceback: it would be a circle
        self._socket = connected
        self._is_readable = _readable(connected)

    @property
    def is_usable(self) -> bool:
        """Whether an idle connection can carry a call: one that is readable was closed, or says what nobody asked."""
        return self._socket is not None and self._is_readable is not None and not self._is_readable()

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
                    self._open.settimeout(_left_s(patience, httpx.WriteTimeout))
                    view = view[self._open.send(view[:_WRITE_BYTES]) :]
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
        left_s = _left_s(patience, httpx.ReadTimeout)
        try:
            self._open.settimeout(left_s)
            return self._open.recv(_READ_BYTES)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error

    @property
    def _open(self) -> socket.socket:
        if self._socket is None:
            raise OSError("the connection is closed")
        return self._socket

    def close(self) -> None:
        """Close it."""
        closing, self._socket = self._socket, None
        if closing is not None:
            closing.close()


class AsyncLine(asyncio.Protocol):
    """A connection of an event loop; the attributes are those of ``Line``.

    What comes wakes up who waits for it, and the time that it may take is watched by one timer for a whole call.
    """

    __slots__ = ("_error", "_expires_at", "_has_ended", "_is_full", "_is_readable", "_loop", "_received", "_size",
                 "_timed_out", "_timer", "_transport", "_waiter", "closed", "has_written", "idle_since",
                 "place")  # fmt: skip

    def __init__(self, place: Place) -> None:
        self.place = place
        self.idle_since = 0.0
        self.has_written = False
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._transport: Any = None
        self._received: list[bytes] = []
        self._size = 0
        self._has_ended = self._is_full = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._expires_at = 0.0
        self._timed_out: type[httpx.TimeoutException] = httpx.ReadTimeout
        self._is_readable: Callable[[], bool] | None = None

    async def connect(self, patience: Patience, make_context: MakeContext) -> None:
        """Connect; raises as ``Line.connect``."""
        context = _context(self.place, make_context)
        options: dict[str, Any] = {"ssl": context, "server_hostname": self.place.server_name} if context else {}
        try:
            await self._connect(patience, options)
        except BaseException as error:
            self.close()
            if (told := _connect_error(error)) is None:
                raise
            try:
                raise told from error
            finally:
                del told  # this frame stands in its traceback: it would be a circle
        handle = self._transport.get_extra_info("socket")
        if handle is not None:
            handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._is_readable = _readable(handle)

    async def _connect(self, patience: Patience, options: dict[str, Any]) -> None:
        """Try one address of the host after the other, each for as long as sockets do.

        Where asyncio tries several at once, it leaves one open that was reached just as the call was cancelled.
        """
        async with asyncio.timeout(_connect_s(patience)):
            found = await self._loop.getaddrinfo(self.place.host, self.place.port, type=socket.SOCK_STREAM)
        for tried, (family, _, proto, _, address) in enumerate(found, 1):
            try:
                async with asyncio.timeout(_connect_s(patience)):
                    await self._loop.create_connection(
                        lambda: self, str(address[0]), self.place.port, family=family, proto=proto, **options
                    )
            except ssl.SSLError:  # reached, but not what it has to be
                raise
            except OSError:
                if tried == len(found) or self._transport is not None:
                    raise
            else:
                return

    @property
    def is_usable(self) -> bool:
        """Whether an idle connection can carry a call, which the loop may not have heard of yet."""
        if self._has_ended or self._received or self._is_readable is None:
            return False
        return not self._is_readable()

    async def send(self, head: bytes, body: bytes, patience: Patience) -> None:
        """Send a request; raises as ``Line.send``."""
        self.has_written = False
        if len(body) <= _JOINED_BYTES:
            head, body = head + body, b""
        try:
            _left_s(patience, httpx.WriteTimeout)  # when the time is up nothing leaves
            for data in (head, body):
                view = memoryview(data)
                while view:
                    if self._transport.is_closing():
                        raise httpx.WriteError("the connection is closed")
                    self._transport.write(view[:_WRITE_BYTES])
                    if self._transport.is_closing():
                        raise httpx.WriteError(str(self._error or "the connection broke"))
                    self.has_written = True
                    view = view[_WRITE_BYTES:]
                    while self._is_full and not self._has_ended:
                        await self._wait(_left_s(patience, httpx.WriteTimeout), httpx.WriteTimeout)
        finally:
            head = body = data = b""  # no frame of an error shows them

    async def read(self, patience: Patience) -> bytes:
        """Read what comes next; empty at the end of the connection. Raises as ``Line.read``."""
        while not self._received:
            if self._has_ended:
                if self._error is not None:
                    raise httpx.ReadError(str(self._error)) from self._error
                return b""
            await self._wait(_left_s(patience, httpx.ReadTimeout), httpx.ReadTimeout)
        data = self._received[0] if len(self._received) == 1 else b"".join(self._received)
        self._received.clear()
        if self._size > _WAITING_BYTES:
            self._transport.resume_reading()
        self._size = 0
        return data

    def _wait(self, left_s: float | None, timed_out: type[httpx.TimeoutException]) -> Awaitable[None]:
        """Wait until something happens."""
        waiter = self._waiter = self._loop.create_future()
        if left_s is not None:
            self._timed_out = timed_out
            self._expires_at = self._loop.time() + left_s
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
    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        was, self._size = self._size, self._size + len(data)
        if was <= _WAITING_BYTES < self._size:
            self._transport.pause_reading()
        self._wake()

    @override
    def eof_received(self) -> bool | None:
        self._has_ended = True
        self._wake()
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._has_ended = True
        self._error = exc
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


def _connected(place: Place, patience: Patience) -> socket.socket:
    """Try one address of the host after the other, each for so long as there is still time for."""
    found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    for tried, (family, kind, proto, _, address) in enumerate(found, 1):
        left_s = _connect_s(patience)
        try:
            with ExitStack() as unless_connected:
                connected = unless_connected.enter_context(socket.socket(family, kind, proto))
                connected.settimeout(left_s)
                connected.connect(address)
                unless_connected.pop_all()
                return connected
        except OSError:
            if tried == len(found):
                raise
    raise OSError("the host has no address")


def _readable(opened: socket.socket) -> Callable[[], bool]:
    """Tells of a socket whether something can be read of it at once, or whether it was closed."""
    if not hasattr(select, "poll"):  # Windows, whose select knows no bound of file numbers
        return lambda: bool(select.select([opened], [], [], 0)[0])
    poll = select.poll()
    poll.register(opened, select.POLLIN)
    return lambda: bool(poll.poll(0))


def _context(place: Place, make_context: MakeContext) -> ssl.SSLContext | None:
    if place.scheme != "https":
        return None
    context = make_context()
    context.set_alpn_protocols(_ALPN)
    return context


def _connect_s(patience: Patience) -> float:
    left_s = _left_s(patience, httpx.ConnectTimeout)
    return CONNECT_TIMEOUT_S if left_s is None else min(CONNECT_TIMEOUT_S, left_s)


def _connect_error(error: BaseException) -> httpx.TransportError | None:
    if isinstance(error, TimeoutError):
        return httpx.ConnectTimeout(str(error))
    if isinstance(error, OverflowError | UnicodeError):  # of a port or a host that cannot be
        return httpx.UnsupportedProtocol(str(error))
    return httpx.ConnectError(str(error)) if isinstance(error, OSError) else None


def _left_s(patience: Patience, timed_out: type[httpx.TimeoutException]) -> float | None:
    left_s = patience.left_s()
    if left_s is not None and left_s <= 0:
        raise timed_out("the time is up")
    return left_s
