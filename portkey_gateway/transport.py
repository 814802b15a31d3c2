"""The only I/O of the core: requests over httpx, tried again where that is safe. Sync and async twins stand together.

Clients are made when first used and shared: one per process, one per event loop. Making one costs about 44 ms, nearly
all of it the TLS context, so that is shared too.
"""

from __future__ import annotations

import asyncio
import functools
import os
import random
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

import httpx

from portkey_gateway.errors import (
    APIConnectionError,
    APITimeoutError,
    PortkeyError,
    StreamInterruptedError,
    StreamTimeoutError,
    decode_error,
)
from portkey_gateway.options import GatewayInfo, read_gateway_info
from portkey_gateway.retry import RetryPolicy

CONNECT_TIMEOUT_S: Final = 10.0
"""Seconds to wait for a connection, where the whole call may take longer."""

_LIMITS: Final = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
_TRACE_HEADER: Final = "x-portkey-trace-id"
_REDACTED: Final = b"[redacted]"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready to be sent as often as it takes."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout_s: float | None
    """Seconds without a byte after which the call fails; ``None`` waits for ever."""
    retry: RetryPolicy
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts to be blotted out of whatever an error response says."""

    def timeouts(self) -> dict[str, float | None]:
        """The timeout of each phase, as httpx names them, in seconds."""
        connect_s = CONNECT_TIMEOUT_S if self.timeout_s is None else min(CONNECT_TIMEOUT_S, self.timeout_s)
        return {"connect": connect_s, "read": self.timeout_s, "write": self.timeout_s, "pool": self.timeout_s}

    def info(self, response: httpx.Response) -> GatewayInfo:
        """What the gateway says of this call."""
        return read_gateway_info(response.status_code, response.headers, self.headers.get(_TRACE_HEADER))

    def decode_error(self, response: httpx.Response) -> PortkeyError:
        """The exception for a response, already read, with an error status."""
        content = response.content
        for secret in self.secrets:
            content = content.replace(secret.encode(), _REDACTED)
        return decode_error(content, self.info(response))

    def delay_s(self, error: PortkeyError, retries: int) -> float:
        """Seconds to wait before the next try; raises the error if there is to be none."""
        delay_s = self.retry.delay_s(error, retries, jitter=random.random())  # noqa: S311 jitter is no secret
        if delay_s is None:
            raise error
        return delay_s


@contextmanager
def open_response(client: httpx.Client | None, call: Call) -> Iterator[httpx.Response]:
    """Send a call until it succeeds, and hand on the open response; it is closed afterwards.

    Args:
        client: a borrowed client, or ``None`` for the process's own.
        call: what to send.

    Raises:
        PortkeyError: what the last try failed with.
    """
    response = _send(client, call)
    try:
        yield response
    finally:
        response.close()


@asynccontextmanager
async def aopen_response(client: httpx.AsyncClient | None, call: Call) -> AsyncIterator[httpx.Response]:
    """Async twin of ``open_response``."""
    response = await _asend(client, call)
    try:
        yield response
    finally:
        await response.aclose()


def read_response(client: httpx.Client | None, call: Call) -> tuple[bytes, GatewayInfo]:
    """Send a call until it succeeds, and read the whole body. Raises as ``open_response`` does."""
    response = _send(client, call, whole=True)
    return response.content, call.info(response)


async def aread_response(client: httpx.AsyncClient | None, call: Call) -> tuple[bytes, GatewayInfo]:
    """Async twin of ``read_response``."""
    response = await _asend(client, call, whole=True)
    return response.content, call.info(response)


def iter_body(response: httpx.Response, info: GatewayInfo) -> Iterator[bytes]:
    """Yield the body of an open response as it comes; a break in it raises a ``StreamError``."""
    try:
        yield from response.iter_raw() if _is_plain(response) else response.iter_bytes()
    except httpx.TransportError as error:
        raise _stream_error(error, info) from error


async def aiter_body(response: httpx.Response, info: GatewayInfo) -> AsyncGenerator[bytes]:
    """Async twin of ``iter_body``."""
    try:
        async for data in response.aiter_raw() if _is_plain(response) else response.aiter_bytes():
            yield data
    except httpx.TransportError as error:
        raise _stream_error(error, info) from error


def fetch(client: httpx.Client | None, url: str, timeout_s: float | None) -> httpx.Response:
    """Get a URL, following redirects. Raises ``APIConnectionError`` if it cannot be had."""
    try:
        return (client or _shared_client()).get(url, timeout=timeout_s, follow_redirects=True).raise_for_status()
    except httpx.HTTPError as error:
        raise _fetch_error(url, error) from error


async def afetch(client: httpx.AsyncClient | None, url: str, timeout_s: float | None) -> httpx.Response:
    """Async twin of ``fetch``."""
    try:
        shared = client or await _shared_async_client()
        return (await shared.get(url, timeout=timeout_s, follow_redirects=True)).raise_for_status()
    except httpx.HTTPError as error:
        raise _fetch_error(url, error) from error


def _send(client: httpx.Client | None, call: Call, *, whole: bool = False) -> httpx.Response:
    retries = 0
    while True:
        try:
            sender = client or _shared_client()
            response = sender.send(_build(client, call), stream=True)
            if whole or not response.is_success:
                response.read()
            if response.is_success:
                return response
            error = call.decode_error(response)
        except httpx.TransportError as failure:
            error = _connection_error(failure, call)
            error.__cause__ = failure
        time.sleep(call.delay_s(error, retries))
        retries += 1


async def _asend(client: httpx.AsyncClient | None, call: Call, *, whole: bool = False) -> httpx.Response:
    retries = 0
    while True:
        try:
            sender = client or await _shared_async_client()
            response = await sender.send(_build(client, call), stream=True)
            if whole or not response.is_success:
                await response.aread()
            if response.is_success:
                return response
            error = call.decode_error(response)
        except httpx.TransportError as failure:
            error = _connection_error(failure, call)
            error.__cause__ = failure
        await asyncio.sleep(call.delay_s(error, retries))
        retries += 1


def _build(client: httpx.Client | httpx.AsyncClient | None, call: Call) -> httpx.Request:
    if client is not None:
        # A borrowed client's own headers, cookies and parameters belong to the request.
        return client.build_request(
            "POST", call.url, headers=call.headers, content=call.body, timeout=httpx.Timeout(**call.timeouts())
        )
    return httpx.Request(
        "POST", _url(call.url), headers=call.headers, content=call.body, extensions={"timeout": call.timeouts()}
    )


@functools.lru_cache(maxsize=64)
def _url(url: str) -> httpx.URL:
    return httpx.URL(url)


def _is_plain(response: httpx.Response) -> bool:
    return "content-encoding" not in response.headers


def _connection_error(failure: httpx.TransportError, call: Call) -> PortkeyError:
    if isinstance(failure, httpx.TimeoutException):
        phase = type(failure).__name__
        return APITimeoutError(f"no answer from {call.url} within timeout={call.timeout_s} s ({phase})")
    return APIConnectionError(f"cannot reach {call.url}: {_reason(failure)}; is base_url right?")


def _stream_error(failure: httpx.TransportError, info: GatewayInfo) -> PortkeyError:
    if isinstance(failure, httpx.TimeoutException):
        return StreamTimeoutError("the stream went silent for longer than timeout; the answer is cut off", info=info)
    return StreamInterruptedError(f"the connection broke in the middle of the answer: {_reason(failure)}", info=info)


def _reason(failure: Exception) -> str:
    return str(failure) or type(failure).__name__


def _fetch_error(url: str, failure: httpx.HTTPError) -> APIConnectionError:
    return APIConnectionError(f"cannot fetch {url[:200]!r} to inline it: {_reason(failure)}")


# --- clients of our own ---------------------------------------------------------------------------------------------

_client: httpx.Client | None = None
_async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[None]]] = (
    WeakKeyDictionary()
)


def _forget_clients() -> None:
    """After a fork the parent's connections are not the child's to use."""
    global _client  # noqa: PLW0603 one client per process is the point
    _client = None
    _async_clients.clear()
    _ssl_context.cache_clear()


os.register_at_fork(after_in_child=_forget_clients) if hasattr(os, "register_at_fork") else None


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _client_options() -> dict[str, Any]:
    return {"verify": _ssl_context(), "limits": _LIMITS}


def _shared_client() -> httpx.Client:
    global _client  # noqa: PLW0603 one client per process is the point
    if _client is None:
        _client = httpx.Client(**_client_options())
    return _client


async def _shared_async_client() -> httpx.AsyncClient:
    loop = asyncio.get_running_loop()
    if loop not in _async_clients:
        for other in [other for other in _async_clients if other.is_closed()]:
            del _async_clients[other]
        client = httpx.AsyncClient(**_client_options())
        lifetime = _close_with_loop(client, loop)
        _async_clients[loop] = client, lifetime
        await anext(lifetime)
    return _async_clients[loop][0]


async def _close_with_loop(client: httpx.AsyncClient, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None]:
    """Close the client when the loop shuts its async generators down, as ``asyncio.run`` does at its end."""
    try:
        yield
    finally:
        _async_clients.pop(loop, None)
        await client.aclose()
