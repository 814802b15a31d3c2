"""The only I/O of the core: requests over httpx, tried again where that is safe; sync and async twins adjacent."""

from __future__ import annotations

import asyncio
import functools
import random
import re
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

import httpx

from portkey_gateway.error_bodies import decode_error
from portkey_gateway.errors import (
    APIConnectionError,
    APITimeoutError,
    InvalidResponseError,
    PortkeyError,
    StreamDecodeError,
    StreamInterruptedError,
    StreamProviderError,
    StreamTimeoutError,
)
from portkey_gateway.http.pool import shared_async_client, shared_client
from portkey_gateway.http.retry import RetryPolicy
from portkey_gateway.info import GatewayInfo, read_gateway_info
from portkey_gateway.targets import failed_before, read_config

CONNECT_TIMEOUT_S: Final = 10.0
"""Seconds to wait for a connection, where the whole call may take longer."""

_CONFIG_HEADER: Final = "x-portkey-config"
_TRACE_HEADER: Final = "x-portkey-trace-id"
# What a server says of a call in headers, and may say with a key in it.
_ECHOED: Final = ("request_id", "provider", "cache_status", "target_index")
_REDACTED: Final = "[redacted]"
# What many keys begin with tells nothing and may be a word of its own: "sk-ant-api03", or "anthropic" of a virtual key.
_TELLING_LENGTH: Final = 12
# Servers and the firewalls before them refuse requests that do not say what sends them.
_OWN_HEADERS: Final = {"user-agent": f"portkey-frameworks/{version('portkey-frameworks')}"}
# In the place of a stream that was read: stream and response refer to each other, so a request of 5 MB would live on
# until the collector runs.
_READ: Final = httpx.ByteStream(b"")
# What a second try would meet again.
_LASTING_FAILURES: Final = (
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.TooManyRedirects,
)


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
    """Texts to be blotted out of whatever an error says."""
    method: str = "POST"

    def info(self, response: httpx.Response) -> GatewayInfo:
        """What the gateway says of this call."""
        # httpx searches a list for every name; what is read here are ten of them.
        headers = dict(response.headers)
        return read_gateway_info(response.status_code, headers, self.headers.get(_TRACE_HEADER))

    def decode_error(self, response: httpx.Response) -> PortkeyError:
        """The exception for a response, already read, with an error status."""
        info, config = self.info(response), read_config(self.headers.get(_CONFIG_HEADER, ""))
        return decode_error(response.content, info, failed_before(config, info.target_index or "") if config else ())

    def delay_s(self, error: PortkeyError, retries: int) -> float | None:
        """Seconds to wait before the next try, or ``None`` if there is to be none."""
        return self.retry.delay_s(error, retries, jitter=random.random())  # noqa: S311 jitter is no secret

    def redacted(self, error: PortkeyError) -> PortkeyError:
        """The same error with the secrets blotted out: servers echo keys, whole and streamed."""
        error.message = self._redact(error.message)
        error.args = (error.message,)
        error.body = self._redact(error.body)
        if isinstance(error, StreamProviderError):
            error.error_type = self._redact(error.error_type)
        if error.info:
            facts = {name: self._redact(getattr(error.info, name)) for name in _ECHOED}
            error.info = replace(error.info, **facts)
        # h11 quotes a line of a response that it cannot read.
        if self._redact(str(error.__cause__)) != str(error.__cause__):
            error.__cause__ = None
        return error

    @contextmanager
    def redacting(self) -> Iterator[None]:
        """Blot the secrets out of an error raised inside."""
        try:
            yield
        except PortkeyError as error:
            raise self.redacted(error) from error.__cause__

    def _redact(self, value: Any) -> Any:
        if isinstance(value, str):
            if not self.secrets:
                return value
            # The longest first, so that no key is left in pieces by one that it begins with.
            longest_first = sorted(self.secrets, key=len, reverse=True)
            value = re.sub("|".join(map(re.escape, longest_first)), _REDACTED, value)
            for secret in longest_first:
                value = _blot_out_beginning(secret, value)
            return value
        if isinstance(value, dict):
            return {self._redact(name): self._redact(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._redact(item) for item in value]
        return value


def _blot_out_beginning(secret: str, text: str) -> str:
    """Blot out what an excerpt, cut inside a secret, still shows of it."""

    def blot(found: re.Match[str]) -> str:
        return _REDACTED if secret.startswith(found[0]) else found[0]

    return re.sub(re.escape(secret[:_TELLING_LENGTH]) + r"""[^\s'"]*""", blot, text)


def send(client: httpx.Client | None, call: Call, *, whole: bool = False) -> httpx.Response:
    """Send a call until it succeeds, and hand on the response, which the caller closes.

    Args:
        client: a borrowed client, or ``None`` for the process's own.
        call: what to send.
        whole: read the whole body; a response that breaks off in it is a failed try like any other.

    Raises:
        PortkeyError: what the last try failed with.
    """
    retries = 0
    while True:
        response = None
        try:
            sender = client or shared_client()
            response = sender.send(_build(client, call), stream=True)
            if whole or not response.is_success:
                _read(response)
            if response.is_success:
                return response
            error = call.decode_error(response)
        except (httpx.RequestError, httpx.InvalidURL) as failure:
            error = _request_error(failure, call, response)
            error.__cause__ = failure
        delay_s = call.delay_s(error, retries)
        if delay_s is None:
            raise call.redacted(error) from error.__cause__
        time.sleep(delay_s)
        retries += 1


async def asend(client: httpx.AsyncClient | None, call: Call, *, whole: bool = False) -> httpx.Response:
    """Async twin of ``send``."""
    retries = 0
    while True:
        response = None
        try:
            sender = client or await shared_async_client()
            response = await sender.send(_build(client, call), stream=True)
            if whole or not response.is_success:
                await _aread(response)
            if response.is_success:
                return response
            error = call.decode_error(response)
        except (httpx.RequestError, httpx.InvalidURL) as failure:
            error = _request_error(failure, call, response)
            error.__cause__ = failure
        delay_s = call.delay_s(error, retries)
        if delay_s is None:
            raise call.redacted(error) from error.__cause__
        await asyncio.sleep(delay_s)
        retries += 1


def _read(response: httpx.Response) -> None:
    """Read the whole body; httpx leaves a response open whose reading failed."""
    try:
        response.read()
    except BaseException:
        response.close()
        raise
    response.stream = _READ


async def _aread(response: httpx.Response) -> None:
    """Async twin of ``_read``."""
    try:
        await response.aread()
    except BaseException:
        await response.aclose()
        raise
    response.stream = _READ


def read_response(client: httpx.Client | None, call: Call) -> tuple[bytes, GatewayInfo]:
    """Send a call until it succeeds, and read the whole body. Raises as ``send`` does."""
    response = send(client, call, whole=True)
    return response.content, call.info(response)


async def aread_response(client: httpx.AsyncClient | None, call: Call) -> tuple[bytes, GatewayInfo]:
    """Async twin of ``read_response``."""
    response = await asend(client, call, whole=True)
    return response.content, call.info(response)


def iter_body(response: httpx.Response, info: GatewayInfo) -> Generator[bytes]:
    """Yield the body of an open response as it comes; a break in it raises a ``StreamError``."""
    try:
        yield from response.iter_raw() if _is_plain(response) else response.iter_bytes()
    except httpx.RequestError as error:
        raise _stream_error(error, info) from error


async def aiter_body(response: httpx.Response, info: GatewayInfo) -> AsyncGenerator[bytes]:
    """Async twin of ``iter_body``."""
    try:
        async for data in response.aiter_raw() if _is_plain(response) else response.aiter_bytes():
            yield data
    except httpx.RequestError as error:
        raise _stream_error(error, info) from error


def fetch(client: httpx.Client | None, url: str, timeout_s: float | None) -> httpx.Response:
    """Get a URL, following redirects. Raises ``APIConnectionError`` if it cannot be had.

    A borrowed client's headers and credentials stay out: they are meant for the gateway, not for any image's host.
    """
    try:
        request = httpx.Request("GET", url, headers=_OWN_HEADERS, extensions={"timeout": _timeouts(timeout_s)})
        return (client or shared_client()).send(request, auth=None, follow_redirects=True).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _fetch_error(url, error) from error


async def afetch(client: httpx.AsyncClient | None, url: str, timeout_s: float | None) -> httpx.Response:
    """Async twin of ``fetch``."""
    try:
        request = httpx.Request("GET", url, headers=_OWN_HEADERS, extensions={"timeout": _timeouts(timeout_s)})
        shared = client or await shared_async_client()
        return (await shared.send(request, auth=None, follow_redirects=True)).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _fetch_error(url, error) from error


def _build(client: httpx.Client | httpx.AsyncClient | None, call: Call) -> httpx.Request:
    timeouts = _timeouts(call.timeout_s)
    if client is not None:
        # A borrowed client's own headers, cookies and parameters belong to the request.
        return client.build_request(
            call.method, call.url, headers=call.headers, content=call.body, timeout=httpx.Timeout(**timeouts)
        )
    headers = {**_OWN_HEADERS, **call.headers}
    return httpx.Request(
        call.method, _url(call.url), headers=headers, content=call.body, extensions={"timeout": timeouts}
    )


def _timeouts(timeout_s: float | None) -> dict[str, float | None]:
    """The timeout of each phase in seconds, as httpx names them."""
    connect_s = CONNECT_TIMEOUT_S if timeout_s is None else min(CONNECT_TIMEOUT_S, timeout_s)
    return {"connect": connect_s, "read": timeout_s, "write": timeout_s, "pool": timeout_s}


@functools.lru_cache(maxsize=64)
def _url(url: str) -> httpx.URL:
    return httpx.URL(url)


def _is_plain(response: httpx.Response) -> bool:
    return "content-encoding" not in response.headers


def _request_error(failure: Exception, call: Call, response: httpx.Response | None) -> PortkeyError:
    if isinstance(failure, httpx.TimeoutException):
        phase = type(failure).__name__
        return APITimeoutError(f"no answer from {call.url} within timeout={call.timeout_s} s ({phase})")
    if isinstance(failure, httpx.DecodingError) and response is not None:
        return InvalidResponseError(f"the body cannot be decompressed: {_reason(failure)}", info=call.info(response))
    if response is not None:
        text = f"the connection to {call.url} broke in the middle of the answer: {_reason(failure)}"
        return APIConnectionError(text, info=call.info(response))
    error = APIConnectionError(f"cannot reach {call.url}: {_reason(failure)}; is base_url right?")
    error.is_retryable = not isinstance(failure, _LASTING_FAILURES)
    return error


def _stream_error(failure: httpx.RequestError, info: GatewayInfo) -> PortkeyError:
    if isinstance(failure, httpx.TimeoutException):
        return StreamTimeoutError("the stream went silent for longer than timeout; the answer is cut off", info=info)
    if isinstance(failure, httpx.DecodingError):
        return StreamDecodeError(f"the stream cannot be decompressed: {_reason(failure)}", info=info)
    return StreamInterruptedError(f"the connection broke in the middle of the answer: {_reason(failure)}", info=info)


def _reason(failure: Exception) -> str:
    return str(failure) or type(failure).__name__


def _fetch_error(url: str, failure: Exception) -> PortkeyError:
    error = APIConnectionError(f"cannot fetch {url[:200]!r} to inline it: {_reason(failure)}")
    lasting = isinstance(failure, _LASTING_FAILURES)
    if isinstance(failure, httpx.HTTPStatusError):
        status = failure.response.status_code
        lasting = status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS
    error.is_retryable = not lasting
    return error
