"""Connections to the gateway, kept while they are idle: two httpx transports, sync and async, over httpcore's.

httpx's own pool looks at all its connections for each of its calls, several times, which is most of what a call costs
where a hundred run at once (``benchmarks``, ainvoke). And its threads may close a connection under each other: one
finds it idle and readable while another, to which it was given meanwhile, has sent its request over it. Here a
connection belongs to one call at a time, and taking one costs the same however many there are.

This imports httpcore, so it is imported when the first client is made.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast

import httpcore
import httpx
from typing_extensions import override

from portkey_gateway.http.network import AsyncNetwork, Network

KEEPALIVE_S: Final = 4.0
"""Seconds after which an idle connection is closed: Node, under the gateway, closes it after five."""
MAX_IDLE: Final = 100
"""Idle connections that are kept."""

LineT = TypeVar("LineT", bound="_Line | _AsyncLine")
_Origin: TypeAlias = tuple[bytes, bytes, int | None]
_MAPPED: Final = {
    getattr(httpcore, name): getattr(httpx, name)
    for name in (
        "ConnectError", "ConnectTimeout", "LocalProtocolError", "NetworkError", "PoolTimeout", "ProtocolError",
        "ProxyError", "ReadError", "ReadTimeout", "RemoteProtocolError", "TimeoutException", "UnsupportedProtocol",
        "WriteError", "WriteTimeout",
    )
}  # fmt: skip
_ERRORS: Final = tuple(_MAPPED)


class _Line:
    """A connection, and whether a request went out over it."""

    __slots__ = ("connection", "idle_since", "network", "origin")

    def __init__(self, origin: _Origin, ssl_context: ssl.SSLContext | None) -> None:
        self.origin = origin
        self.idle_since = 0.0
        self.network = Network()
        self.connection = httpcore.HTTPConnection(
            _core_origin(origin), ssl_context, KEEPALIVE_S, network_backend=self.network
        )


class _AsyncLine:
    """Async twin of ``_Line``."""

    __slots__ = ("connection", "idle_since", "network", "origin")

    def __init__(self, origin: _Origin, ssl_context: ssl.SSLContext | None) -> None:
        self.origin = origin
        self.idle_since = 0.0
        self.network = AsyncNetwork()
        self.connection = httpcore.AsyncHTTPConnection(
            _core_origin(origin), ssl_context, KEEPALIVE_S, network_backend=self.network
        )


class _Lines(Generic[LineT]):
    """The connections: those in use, and the idle ones, used last on top. No I/O but a look at an idle socket.

    What has to be closed counts as in use until it is: whoever closes it may be cancelled meanwhile, and then it is
    closed with the rest.

    Attributes:
        count: how many are idle.
    """

    def __init__(self) -> None:
        self._idle: dict[_Origin, deque[LineT]] = {}
        self._used: set[LineT] = set()
        self._lock = threading.Lock()
        self.count = 0

    def use(self, line: LineT) -> LineT:
        """Note that a connection is in use."""
        with self._lock:
            self._used.add(line)
        return line

    def drop(self, line: LineT) -> None:
        """Forget a connection that is closed."""
        with self._lock:
            self._used.discard(line)

    def take(self, origin: _Origin) -> tuple[LineT | None, list[LineT]]:
        """Take a connection that can be used, if there is one, and those that have to be closed."""
        with self._lock:
            closing = self._pop_expired()
            lines = self._idle.get(origin)
            while lines:
                self.count -= 1
                line = lines.pop()
                # An idle socket that is readable was closed at the other end, or says what nobody asked for.
                if line.connection.is_idle() and not line.connection.has_expired():
                    line.network.has_written = False
                    return line, closing
                self._used.add(line)
                closing.append(line)
        return None, closing

    def give(self, line: LineT) -> list[LineT]:
        """Keep a connection, and take out those that have to be closed for it."""
        line.idle_since = time.monotonic()
        with self._lock:
            if not line.connection.is_idle():
                return [line]
            closing = self._pop_expired()
            if self.count >= MAX_IDLE:
                return [*closing, line]
            self._used.discard(line)
            self._idle.setdefault(line.origin, deque()).append(line)
            self.count += 1
        return closing

    def expire(self) -> list[LineT]:
        """Take out those that were idle for too long."""
        with self._lock:
            return self._pop_expired()

    def clear(self) -> list[LineT]:
        """Take out all, those in use, too."""
        with self._lock:
            self._used.update(line for lines in self._idle.values() for line in lines)
            self._idle.clear()
            self.count = 0
            return list(self._used)

    def _pop_expired(self) -> list[LineT]:
        expired: list[LineT] = []
        until = time.monotonic() - KEEPALIVE_S
        for origin in list(self._idle):
            lines = self._idle[origin]
            while lines and lines[0].idle_since < until:
                expired.append(lines.popleft())
            if not lines:
                del self._idle[origin]
        self.count -= len(expired)
        self._used.update(expired)
        return expired


class LineTransport(httpx.BaseTransport):
    """Sends each request over an idle connection, or over a new one.

    Args:
        make_ssl_context: called for the first ``https`` address.
    """

    def __init__(self, make_ssl_context: Callable[[], ssl.SSLContext]) -> None:
        self._make_ssl_context = make_ssl_context
        self._lines: _Lines[_Line] = _Lines()

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        origin, asked = _core_request(request)
        while True:
            kept, closing = self._lines.take(origin)
            _close(closing, self._lines)
            context = self._make_ssl_context() if not kept and origin[0] == b"https" else None
            line = self._lines.use(kept or _Line(origin, context))
            try:
                response = line.connection.handle_request(asked)
            except _ERRORS as error:
                _close([line], self._lines)
                if kept and not kept.network.has_written:
                    continue  # it was broken while it was idle: nothing was sent
                raise _mapped(error) from error
            except BaseException:
                _close([line], self._lines)
                raise
            return _response(response, _LineStream(response.stream, line, self._lines))

    @override
    def close(self) -> None:
        _close(self._lines.clear(), self._lines)


class AsyncLineTransport(httpx.AsyncBaseTransport):
    """Async twin of ``LineTransport``, for one event loop; it closes idle connections by itself."""

    def __init__(self, make_ssl_context: Callable[[], ssl.SSLContext]) -> None:
        self._make_ssl_context = make_ssl_context
        self._lines: _Lines[_AsyncLine] = _Lines()
        self._sweep_later: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin, asked = _core_request(request)
        while True:
            kept, closing = self._lines.take(origin)
            await self._close(closing)
            context = self._make_ssl_context() if not kept and origin[0] == b"https" else None
            line = self._lines.use(kept or _AsyncLine(origin, context))
            try:
                response = await line.connection.handle_async_request(asked)
            except _ERRORS as error:
                await self._close([line])
                if kept and not kept.network.has_written:
                    continue
                raise _mapped(error) from error
            except BaseException:
                # httpcore leaves one open that is cancelled behind its connecting and before its request.
                await self._close([line])
                raise
            return _response(response, _AsyncLineStream(response.stream, line, self))

    @override
    async def aclose(self) -> None:
        if self._sweep_later is not None:
            self._sweep_later.cancel()
        await _aclose(self._lines.clear(), self._lines)

    async def give(self, line: _AsyncLine) -> None:
        """Keep a connection that is idle again."""
        await self._close(self._lines.give(line))
        if self._lines.count and self._sweep_later is None:
            self._sweep_later = asyncio.get_running_loop().call_later(KEEPALIVE_S, self._sweep)

    def _sweep(self) -> None:
        # A callback and no task: a loop that is closed without its shutdown would complain of a task.
        loop, self._sweep_later = asyncio.get_running_loop(), None
        if expired := self._lines.expire():
            self._begin(_aclose(expired, self._lines))
        if self._lines.count:
            self._sweep_later = loop.call_later(KEEPALIVE_S, self._sweep)

    async def _close(self, closing: list[_AsyncLine]) -> None:
        if closing:
            await self.to_the_end(_aclose(closing, self._lines))

    async def to_the_end(self, closing: Coroutine[Any, Any, None]) -> None:
        """Do what closes connections also where the call that does it is cancelled."""
        await asyncio.shield(self._begin(closing))

    def _begin(self, closing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task


class _LineStream(httpx.SyncByteStream):
    """A response's body, which gives its connection back when it is closed."""

    def __init__(self, stream: Any, line: _Line, lines: _Lines[_Line]) -> None:
        self._stream = stream
        self._line: _Line | None = line
        self._lines = lines

    @override
    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except _ERRORS as error:
            raise _mapped(error) from error

    @override
    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            self._stream.close()
            _close(self._lines.give(line), self._lines)


class _AsyncLineStream(httpx.AsyncByteStream):
    """Async twin of ``_LineStream``."""

    def __init__(self, stream: Any, line: _AsyncLine, transport: AsyncLineTransport) -> None:
        self._stream = stream
        self._line: _AsyncLine | None = line
        self._transport = transport

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for data in self._stream:
                yield data
        except _ERRORS as error:
            raise _mapped(error) from error

    @override
    async def aclose(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await self._transport.to_the_end(self._give_back(line))

    async def _give_back(self, line: _AsyncLine) -> None:
        await self._stream.aclose()
        await self._transport.give(line)


def _core_request(request: httpx.Request) -> tuple[_Origin, httpcore.Request]:
    url = request.url
    if url.scheme not in {"http", "https"}:
        raise httpx.UnsupportedProtocol(f"no protocol of ours: {url.scheme!r}", request=request)
    origin = (url.raw_scheme, url.raw_host, url.port)
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    asked = httpcore.Request(
        request.method, target, headers=request.headers.raw, content=cast("Any", request.stream),
        extensions=request.extensions,
    )  # fmt: skip
    return origin, asked


def _core_origin(origin: _Origin) -> httpcore.Origin:
    scheme, host, port = origin
    return httpcore.URL(scheme=scheme, host=host, port=port, target=b"/").origin


def _response(response: httpcore.Response, stream: _LineStream | _AsyncLineStream) -> httpx.Response:
    return httpx.Response(response.status, headers=response.headers, stream=stream, extensions=response.extensions)


def _mapped(error: Exception) -> Exception:
    mapped: Exception = _MAPPED[type(error)](str(error))
    return mapped


def _close(closing: list[_Line], lines: _Lines[_Line]) -> None:
    for line in closing:
        line.connection.close()
        lines.drop(line)


async def _aclose(closing: list[_AsyncLine], lines: _Lines[_AsyncLine]) -> None:
    for line in closing:
        await line.connection.aclose()
        lines.drop(line)
