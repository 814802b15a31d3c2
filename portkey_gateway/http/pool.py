"""The HTTP clients that all calls share: one per process, one per event loop, made when first used.

Making one costs about 44 ms, nearly all of it the TLS context, so that is shared too.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import ssl
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final, cast
from urllib.request import getproxies

import httpx

CALLS_PER_POOL: Final = 8
"""How many calls at once one connection pool of an event loop carries before another one is opened."""
KEPT_POOLS: Final = 16
"""How many pools keep their idle connections for the next burst."""

_LIMITS: Final = httpx.Limits(max_connections=1000, max_keepalive_connections=100)

_client: httpx.Client | None = None
_async_clients: dict[asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[None]]] = {}
# First calls come from many threads at once, and each of them may bring an event loop.
_lock = threading.Lock()


def shared_client() -> httpx.Client:
    """The process's client for sync calls."""
    global _client  # noqa: PLW0603 one client per process is the point
    with _lock:
        if _client is None:
            _client = httpx.Client(verify=_ssl_context(), limits=_LIMITS)
        return _client


async def shared_async_client() -> httpx.AsyncClient:
    """The running event loop's client for async calls."""
    loop = asyncio.get_running_loop()
    known = _async_clients.get(loop)
    if known is not None:
        return known[0]
    with _lock:
        for other in [other for other in _async_clients if other.is_closed()]:
            del _async_clients[other]
        client = _new_async_client()
        lifetime = _close_with_loop(client, loop)
        _async_clients[loop] = client, lifetime
    await anext(lifetime)
    return client


class SpreadTransport(httpx.AsyncBaseTransport):
    """Spreads calls over several small connection pools.

    httpx's own pool looks at all its connections for every one of its calls, several times: with 100 calls at once
    that is most of what a call costs (``benchmarks``, ainvoke). Small pools keep that work small.
    """

    def __init__(self) -> None:
        self._pools: list[_Pool] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request over the first pool that has room, or over a new one."""
        pool = next((pool for pool in self._pools if pool.calls < CALLS_PER_POOL), None)
        if pool is None:
            pool = _Pool()
            self._pools.append(pool)
        pool.calls += 1
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException:
            await self._release(pool)
            raise
        response.stream = _CountedStream(cast("httpx.AsyncByteStream", response.stream), self, pool)
        return response

    async def aclose(self) -> None:
        """Close all pools."""
        while self._pools:
            await self._pools.pop().transport.aclose()

    async def _release(self, pool: _Pool) -> None:
        pool.calls -= 1
        if not pool.calls and len(self._pools) > KEPT_POOLS and pool in self._pools:
            self._pools.remove(pool)
            await pool.transport.aclose()


class _Pool:
    __slots__ = ("calls", "transport")

    def __init__(self) -> None:
        self.calls = 0
        self.transport = httpx.AsyncHTTPTransport(verify=_ssl_context(), limits=_LIMITS)


class _CountedStream(httpx.AsyncByteStream):
    """A response's body, which gives its place in the pool back when it is closed."""

    def __init__(self, stream: httpx.AsyncByteStream, transport: SpreadTransport, pool: _Pool) -> None:
        self._stream = stream
        self._transport = transport
        self._pool: _Pool | None = pool

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        try:
            await self._stream.aclose()
        finally:
            if pool is not None:
                await self._transport._release(pool)  # noqa: SLF001 part of the same mechanism


def _new_async_client() -> httpx.AsyncClient:
    # A client with a transport of its own takes no notice of HTTP_PROXY and its like.
    if getproxies():
        return httpx.AsyncClient(verify=_ssl_context(), limits=_LIMITS)
    return httpx.AsyncClient(transport=SpreadTransport())


async def _close_with_loop(client: httpx.AsyncClient, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None]:
    """Close the client when the loop shuts its async generators down, as ``asyncio.run`` does at its end."""
    try:
        yield
    finally:
        with _lock:
            _async_clients.pop(loop, None)
        await client.aclose()


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _forget_clients() -> None:
    """After a fork the parent's connections are not the child's to use, and its lock may be held for ever."""
    global _client, _lock  # noqa: PLW0603 one client per process is the point
    _client = None
    _async_clients.clear()
    _ssl_context.cache_clear()
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_clients)


@atexit.register
def _close_client() -> None:
    if _client is not None:
        _client.close()
