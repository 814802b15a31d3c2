"""What all calls are sent through: one sender per process, one per event loop, made when first used.

Connections of our own; where the environment names a proxy, httpx's clients, which know how to speak to one.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import ssl
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Final, TypeAlias, TypeVar
from urllib.request import getproxies

import httpx

from portkey_gateway.errors import APIConnectionError
from portkey_gateway.http.connections import AsyncLineTransport, LineTransport

_LIMITS: Final = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")

ClientT = TypeVar("ClientT", httpx.Client, httpx.AsyncClient)
Sender: TypeAlias = LineTransport | httpx.Client
AsyncSender: TypeAlias = AsyncLineTransport | httpx.AsyncClient

_client: Sender | None = None
_async_clients: dict[asyncio.AbstractEventLoop, tuple[AsyncSender, AsyncGenerator[None]]] = {}
# First calls come from many threads at once, and each of them may bring an event loop.
_lock = threading.Lock()


def shared_client() -> Sender:
    """The process's sender of sync calls.

    Raises:
        APIConnectionError: if the environment names a proxy or certificates that cannot be used.
    """
    global _client  # noqa: PLW0603 one client per process is the point
    if (known := _client) is not None:
        return known
    with _lock:
        if _client is None:
            _client = _new_client()
        return _client


async def shared_async_client() -> AsyncSender:
    """The running event loop's sender of async calls. Raises as ``shared_client`` does."""
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


def _new_client() -> Sender:
    return _through_proxies(httpx.Client) if getproxies() else LineTransport(ssl_context)


def _new_async_client() -> AsyncSender:
    return _through_proxies(httpx.AsyncClient) if getproxies() else AsyncLineTransport(ssl_context)


def _through_proxies(make: Callable[..., ClientT]) -> ClientT:
    verify = ssl_context()
    try:
        return make(verify=verify, limits=_LIMITS)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        # Its text may hold the proxy's password.
        reason = 'a SOCKS proxy needs: pip install "httpx[socks]"' if isinstance(error, ImportError) else "no such URL"
        raise _lasting(
            f"the proxy that the environment names cannot be used ({reason}): mind HTTP_PROXY, HTTPS_PROXY and "
            "ALL_PROXY, or name the gateway's host in NO_PROXY"
        ) from None


async def _close_with_loop(client: AsyncSender, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None]:
    """Close the client when the loop shuts its async generators down, as ``asyncio.run`` does at its end."""
    try:
        yield
    finally:
        with _lock:
            _async_clients.pop(loop, None)
        await (client.aclose() if isinstance(client, httpx.AsyncClient) else client.close())


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """The process's TLS context; making one takes about 40 ms.

    Raises:
        APIConnectionError: if the certificates that the environment names cannot be read.
    """
    try:
        return httpx.create_ssl_context()
    except (OSError, ssl.SSLError) as error:
        named = " or ".join(f"{name}={os.environ[name]}" for name in _CERTIFICATES if os.environ.get(name))
        raise _lasting(
            f"the certificates cannot be read ({error}): let {named or 'certifi'} be certificates in PEM form"
        ) from error


def _lasting(text: str) -> APIConnectionError:
    error = APIConnectionError(text)
    error.is_retryable = False
    return error


def _forget_clients() -> None:
    """After a fork the parent's connections are not the child's to use, and its lock may be held for ever."""
    global _client, _lock  # noqa: PLW0603 one client per process is the point
    _client = None
    _async_clients.clear()
    ssl_context.cache_clear()
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_clients)


@atexit.register
def _close_client() -> None:
    if _client is not None:
        _client.close()
