"""The only I/O of the core: requests, tried again where that is safe; sync and async twins adjacent."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing, closing
from http import HTTPStatus
from importlib.metadata import version
from typing import Final, TypeVar

import httpx

from portkey_gateway.errors import PortkeyError
from portkey_gateway.http.body import MAX_ERROR_BYTES, Received, aiter_body, iter_body
from portkey_gateway.http.borrowed import AsyncClientReply, ClientReply, timeouts
from portkey_gateway.http.call import Call
from portkey_gateway.http.connections import Outgoing
from portkey_gateway.http.failures import FAILURES
from portkey_gateway.http.patience import Deadline, Patience
from portkey_gateway.http.pool import shared_async_client, shared_client
from portkey_gateway.http.reply import AsyncReply, Reply
from portkey_gateway.info import GatewayInfo

OWN_HEADERS: Final = {"user-agent": f"portkey-frameworks/{version('portkey-frameworks')}"}
"""Servers and the firewalls before them refuse requests that do not say what sends them."""
_LOG: Final = logging.getLogger(__name__)
# Python 3.11 takes long to find a member of an enumeration, here and wherever every call looks at its status.
_SUCCESS: Final = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)

ReplyT = TypeVar("ReplyT", Reply, AsyncReply)


class _Tries:
    """The tries of one call: what the sync and the async loop share."""

    __slots__ = ("_deadline", "_retries", "call", "patience")

    def __init__(self, call: Call) -> None:
        self.call = call
        self._deadline = call.deadline or Deadline(call.total_timeout_s)
        self._retries = 0
        self.patience = Patience(call.timeout_s, self._deadline)

    def receive(self, reply: ReplyT) -> Received[ReplyT]:
        """A response to the try that was sent last."""
        return Received(reply, self.call.info(reply), self.patience)

    def wait_s(self, error: PortkeyError) -> float:
        """Seconds to wait before the next try, if there is one.

        Raises:
            PortkeyError: the one given, if there is to be none.
        """
        delay_s = self.call.delay_s(error, self._retries)
        if delay_s is None or time.monotonic() + delay_s >= self._deadline.at:
            try:
                raise self.call.redacted(error) from error.__cause__
            finally:
                # A frame of its own traceback that knew it would be a circle, and hold the request: so below, too.
                del error
        self._retries += 1
        self.patience = Patience(self.call.timeout_s, self._deadline)
        return delay_s


def send(client: httpx.Client | None, call: Call) -> Received[Reply]:
    """Send a call until it succeeds, and hand on the response, whose body is still to be read.

    No redirect is followed, whoever's client it is: the next host would get keys, config and prompt.

    Args:
        client: a borrowed client, or ``None`` for the process's own.
        call: what to send.

    Raises:
        PortkeyError: what the last try failed with.
    """
    return _send(client, call, is_whole=False)[0]


async def asend(client: httpx.AsyncClient | None, call: Call) -> Received[AsyncReply]:
    """Async twin of ``send``."""
    return (await _asend(client, call, is_whole=False))[0]


def read_response(client: httpx.Client | None, call: Call) -> tuple[bytes, GatewayInfo]:
    """Send a call until it succeeds, and read the whole body. Raises as ``send`` does."""
    received, content = _send(client, call, is_whole=True)
    return content, received.info


async def aread_response(client: httpx.AsyncClient | None, call: Call) -> tuple[bytes, GatewayInfo]:
    """Async twin of ``read_response``."""
    received, content = await _asend(client, call, is_whole=True)
    return content, received.info


def _send(client: httpx.Client | None, call: Call, *, is_whole: bool) -> tuple[Received[Reply], bytes]:
    """Send until it succeeds; a whole response that breaks off in its body is a failed try like any other."""
    tries = _Tries(call)
    while True:
        received = None
        if call.keys:
            call.keys.ask()
        try:
            received = tries.receive(_ask(client, call, tries.patience))
            _LOG.debug("%s %s: %d", call.method, call.url, received.info.status)
            if is_success(received.info.status):
                return received, b"".join(iter_body(received)) if is_whole else b""
            error = call.decode_error(received, *_read_error(received))
        except FAILURES as failure:
            error = call.request_error(failure, received, tries.patience)
        try:
            time.sleep(tries.wait_s(error))
        finally:
            del error


async def _asend(client: httpx.AsyncClient | None, call: Call, *, is_whole: bool) -> tuple[Received[AsyncReply], bytes]:
    """Async twin of ``_send``."""
    tries = _Tries(call)
    while True:
        received = None
        if call.keys:
            await call.keys.aask()
        try:
            received = tries.receive(await _aask(client, call, tries.patience))
            _LOG.debug("%s %s: %d", call.method, call.url, received.info.status)
            if is_success(received.info.status):
                return received, b"".join([data async for data in aiter_body(received)]) if is_whole else b""
            error = call.decode_error(received, *await _aread_error(received))
        except FAILURES as failure:
            error = call.request_error(failure, received, tries.patience)
        try:
            await asyncio.sleep(tries.wait_s(error))
        finally:
            del error


def _ask(client: httpx.Client | None, call: Call, patience: Patience) -> Reply:
    sender = client or shared_client()
    if isinstance(sender, httpx.Client):
        return ClientReply(sender.send(_build(client, call, patience), stream=True, follow_redirects=False))
    return sender.send(_outgoing(call), patience)


async def _aask(client: httpx.AsyncClient | None, call: Call, patience: Patience) -> AsyncReply:
    """Async twin of ``_ask``."""
    sender = client or await shared_async_client()
    if isinstance(sender, httpx.AsyncClient):
        # Its own timeouts count silence alone: a head that drips would take it as long as it likes.
        try:
            async with asyncio.timeout(patience.whole_s()):
                request = _build(client, call, patience)
                return AsyncClientReply(await sender.send(request, stream=True, follow_redirects=False))
        except TimeoutError:
            raise httpx.ReadTimeout("the time is up") from None
    return await sender.send(_outgoing(call), patience)


def _read_error(received: Received[Reply]) -> tuple[bytes, Exception | None]:
    """The beginning of an error's body, and why there is no more of it: the status says enough."""
    content = bytearray()
    try:
        with closing(iter_body(received)) as body:
            for data in body:
                content += data
                if len(content) > MAX_ERROR_BYTES:
                    break
    except httpx.RequestError as failure:
        return bytes(content), failure
    return bytes(content), None


async def _aread_error(received: Received[AsyncReply]) -> tuple[bytes, Exception | None]:
    """Async twin of ``_read_error``."""
    content = bytearray()
    try:
        async with aclosing(aiter_body(received)) as body:
            async for data in body:
                content += data
                if len(content) > MAX_ERROR_BYTES:
                    break
    except httpx.RequestError as failure:
        return bytes(content), failure
    return bytes(content), None


def is_success(status: int) -> bool:
    """Whether a status tells of success; 246 does, too."""
    return status in _SUCCESS


def _outgoing(call: Call) -> Outgoing:
    return Outgoing.of(call.method, call.url, {**OWN_HEADERS, **call.all_headers}, call.body)


def _build(client: httpx.Client | httpx.AsyncClient | None, call: Call, patience: Patience) -> httpx.Request:
    told = timeouts(patience)
    if client is not None:
        # A borrowed client's own headers, cookies and parameters belong to the request.
        return client.build_request(
            call.method, call.url, headers=call.all_headers, content=call.body, timeout=httpx.Timeout(**told)
        )
    headers = {**OWN_HEADERS, **call.all_headers}
    return httpx.Request(call.method, call.url, headers=headers, content=call.body, extensions={"timeout": told})
