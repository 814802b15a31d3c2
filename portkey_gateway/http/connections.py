"""Connections to the gateway, kept while they are idle: for threads, and for an event loop.

httpx's own pool looks at all its connections for each of its calls, several times, which is most of what a call costs
where a hundred run at once (``benchmarks``, ainvoke). And its threads may close a connection under each other: one
finds it idle and readable while another, to which it was given meanwhile, has sent its request over it. Here a
connection belongs to one call at a time, and taking one costs the same however many there are.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping
from typing import Final, Generic, NamedTuple, Self, TypeVar

import httpx
from typing_extensions import override

from portkey_gateway.http.connecting import MakeContext, Place
from portkey_gateway.http.network import AsyncLine, Line
from portkey_gateway.http.patience import Patience
from portkey_gateway.http.wire import ResponseReader, render_head

KEEPALIVE_S: Final = 4.0
"""Seconds after which an idle connection is closed: Node, under the gateway, closes it after five."""
MAX_IDLE: Final = 100
"""Idle connections that are kept."""

_CLOSING_S: Final = 1.0

LineT = TypeVar("LineT", Line, AsyncLine)


class Outgoing(NamedTuple):
    """A request, ready for the wire."""

    place: Place
    head: bytes
    body: bytes

    @override
    def __repr__(self) -> str:
        """Shows neither keys nor the prompt, wherever a frame of an error is shown."""
        return f"Outgoing(place={self.place!r}, head=<{len(self.head)} bytes>, body=<{len(self.body)} bytes>)"

    @classmethod
    def of(
        cls,
        method: str,
        url: str | httpx.URL,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        server_name: str | None = None,
    ) -> Outgoing:
        """Render a request.

        Args:
            method: of HTTP.
            url: with the host that is connected to.
            headers: all but those that HTTP itself needs.
            body: none, if it is empty.
            server_name: the name that the certificate has to bear, if not the host's.

        Raises:
            httpx.UnsupportedProtocol: if the URL is neither ``http`` nor ``https``.
            httpx.InvalidURL: if it is none.
        """
        place, target, host = _located(url) if isinstance(url, httpx.URL) else _located_text(url)
        if server_name is not None:
            place = place._replace(server_name=server_name)
        size = len(body) if body or method != "GET" else None
        return cls(place, render_head(method, target, host, headers, size), body)


@functools.lru_cache(maxsize=64)
def _located_text(url: str) -> tuple[Place, str, str]:
    return _located(httpx.URL(url))


def _located(url: httpx.URL) -> tuple[Place, str, str]:
    """Where a URL leads: the place, and what the request says of path and host."""
    if url.scheme not in {"http", "https"}:
        raise httpx.UnsupportedProtocol(f"no protocol of ours: {url.scheme!r}")
    host = url.raw_host.decode("ascii")
    place = Place(url.scheme, host, url.port or (443 if url.scheme == "https" else 80), host)
    return place, url.raw_path.decode("ascii"), url.netloc.decode("ascii")


class Lines(Generic[LineT]):
    """The connections: those in use, and the idle ones, used last on top.

    Attributes:
        count: how many are idle.
    """

    def __init__(self) -> None:
        self._idle: dict[Place, deque[LineT]] = {}
        self._used: set[LineT] = set()
        self._lock = threading.Lock()
        self.count = 0

    def use(self, line: LineT) -> LineT:
        """Note that a connection is in use."""
        with self._lock:
            self._used.add(line)
        return line

    def drop(self, line: LineT) -> None:
        """Close a connection for good."""
        with self._lock:
            self._used.discard(line)
        line.close()

    def take(self, place: Place) -> LineT | None:
        """Take an idle connection that can be used, if there is one."""
        with self._lock:
            self._close_expired()
            lines = self._idle.get(place)
            while lines:
                self.count -= 1
                line = lines.pop()
                if line.is_usable:
                    self._used.add(line)
                    return line
                line.close()
        return None

    def give(self, line: LineT) -> None:
        """Keep a connection for the next call."""
        line.idle_since = time.monotonic()
        with self._lock:
            self._used.discard(line)
            self._close_expired()
            if self.count >= MAX_IDLE:
                line.close()
                return
            self._idle.setdefault(line.place, deque()).append(line)
            self.count += 1

    def expire(self) -> None:
        """Close those that were idle for too long."""
        with self._lock:
            self._close_expired()

    def clear(self) -> list[LineT]:
        """Close all, those in use, too; and list them."""
        with self._lock:
            lines: list[LineT] = list(self._used)
            for kept in self._idle.values():
                lines.extend(kept)
            self._used.clear()
            self._idle.clear()
            self.count = 0
        for line in lines:
            line.close()
        return lines

    def _close_expired(self) -> None:
        until = time.monotonic() - KEEPALIVE_S
        for place in list(self._idle):
            lines = self._idle[place]
            while lines and lines[0].idle_since < until:
                self.count -= 1
                lines.popleft().close()
            if not lines:
                del self._idle[place]


class LineTransport:
    """Sends each request over an idle connection, or over a new one.

    Args:
        make_context: called for the first ``https`` address.
    """

    def __init__(self, make_context: MakeContext) -> None:
        self._make_context = make_context
        self.lines: Lines[Line] = Lines()

    def send(self, request: Outgoing, patience: Patience) -> LineReply:
        """Send a request, and read until the head of its response is there.

        Raises:
            httpx.RequestError: if that fails.
        """
        while True:
            kept = self.lines.take(request.place)
            line = kept or self.lines.use(Line(request.place))
            try:
                if kept is None:
                    line.connect(patience, self._make_context)
                return _ask(line, request, patience, self.lines)
            except httpx.TransportError:
                self.lines.drop(line)
                if kept and not line.has_written:
                    continue  # it was broken while it was idle: nothing was sent
                raise
            except BaseException:
                self.lines.drop(line)
                raise

    def close(self) -> None:
        """Close all connections."""
        self.lines.clear()


def _ask(line: Line, request: Outgoing, patience: Patience, lines: Lines[Line]) -> LineReply:
    failure: httpx.WriteError | None = None
    try:
        line.send(request.head, request.body, patience)
    except httpx.WriteError as error:
        if not line.has_written:
            raise
        failure = error  # a server may answer before it has heard all, and close
    reader = ResponseReader()
    while not reader.feed_head(data := line.read(patience)):
        if not data:
            reader.end()
    if failure is not None:
        reader.is_reusable = False
    return LineReply(line, reader, patience, lines)


class LineReply:
    """A response that came over a connection of ours (``Reply``); closing it gives the connection back."""

    __slots__ = ("_is_read", "_line", "_lines", "_patience", "_reader", "headers", "status")

    def __init__(self, line: Line, reader: ResponseReader, patience: Patience, lines: Lines[Line]) -> None:
        self.status = reader.status
        self.headers: Mapping[str, str] = reader.headers
        self._line: Line | None = line
        self._reader = reader
        self._is_read = False  # what was left early may hold more than was looked at
        self._patience = patience
        self._lines = lines

    def raw(self) -> Generator[bytes]:
        """The body as it comes over the wire."""
        reader = self._reader
        if first := reader.feed(b""):  # what came with the head
            yield first
        while not reader.has_ended and self._line is not None:
            data = self._line.read(self._patience)
            if not data:
                reader.end()
            elif body := reader.feed(data):
                yield body
        self._is_read = True

    def expect_end(self) -> None:
        """Nothing to do: every read asks how long it may take."""

    def close(self) -> None:
        """Give the connection back, or close it."""
        line, self._line = self._line, None
        if line is None:
            return
        if self._is_read and self._reader.has_ended and self._reader.is_reusable:
            self._lines.give(line)
        else:
            self._lines.drop(line)


class AsyncLineTransport:
    """Async twin of ``LineTransport``, for one event loop; it closes idle connections by itself."""

    def __init__(self, make_context: MakeContext) -> None:
        self._make_context = make_context
        self.lines: Lines[AsyncLine] = Lines()
        self._sweep_later: asyncio.TimerHandle | None = None

    async def send(self, request: Outgoing, patience: Patience) -> AsyncLineReply:
        """Send a request; raises as ``LineTransport.send``."""
        while True:
            kept = self.lines.take(request.place)
            line = kept or self.lines.use(AsyncLine(request.place))
            try:
                if kept is None:
                    await line.connect(patience, self._make_context)
                return await _aask(line, request, patience, self)
            except httpx.TransportError:
                self.lines.drop(line)
                if kept and not line.has_written:
                    continue
                raise
            except BaseException:
                self.lines.drop(line)
                raise

    async def close(self) -> None:
        """Close all connections."""
        if self._sweep_later is not None:
            self._sweep_later.cancel()
        if lines := self.lines.clear():
            await asyncio.wait([line.closed for line in lines], timeout=_CLOSING_S)

    def give(self, line: AsyncLine) -> None:
        """Keep a connection that is idle again."""
        line.rest()
        self.lines.give(line)
        if self._sweep_later is None:
            self._sweep_later = asyncio.get_running_loop().call_later(KEEPALIVE_S, self._sweep)

    def _sweep(self) -> None:
        self._sweep_later = None
        self.lines.expire()
        if self.lines.count:
            self._sweep_later = asyncio.get_running_loop().call_later(KEEPALIVE_S, self._sweep)


async def _aask(
    line: AsyncLine, request: Outgoing, patience: Patience, transport: AsyncLineTransport
) -> AsyncLineReply:
    failure: httpx.WriteError | None = None
    try:
        await line.send(request.head, request.body, patience)
    except httpx.WriteError as error:
        if not line.has_written:
            raise
        failure = error
    reader = ResponseReader()
    while not reader.feed_head(data := await line.read(patience)):
        if not data:
            reader.end()
    if failure is not None:
        reader.is_reusable = False
    return AsyncLineReply(line, reader, patience, transport)


class AsyncLineReply:
    """Async twin of ``LineReply``; it is its own body, so that nothing else is held while nobody reads."""

    __slots__ = ("_is_begun", "_is_read", "_line", "_patience", "_reader", "_transport", "headers", "status")

    def __init__(
        self, line: AsyncLine, reader: ResponseReader, patience: Patience, transport: AsyncLineTransport
    ) -> None:
        self.status = reader.status
        self.headers: Mapping[str, str] = reader.headers
        self._line: AsyncLine | None = line
        self._reader = reader
        self._is_begun = False
        self._is_read = False  # what was left early may hold more than was looked at
        self._patience = patience
        self._transport = transport

    def raw(self) -> Self:
        """The body as it comes over the wire."""
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        reader, body = self._reader, b""
        if not self._is_begun:
            self._is_begun = True
            body = reader.feed(b"")  # what came with the head
        while not body:
            if reader.has_ended or self._line is None:
                self._is_read = True
                raise StopAsyncIteration
            if data := await self._line.read(self._patience):
                body = reader.feed(data)
            else:
                reader.end()
        return body

    def expect_end(self) -> None:
        """Nothing to do: every read asks how long it may take."""

    async def close(self) -> None:
        """Give the connection back, or close it."""
        line, self._line = self._line, None
        if line is None:
            return
        if self._is_read and self._reader.has_ended and self._reader.is_reusable:
            self._transport.give(line)
        else:
            self._transport.lines.drop(line)
