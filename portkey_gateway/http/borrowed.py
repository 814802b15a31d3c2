"""An httpx client as what sends: one that is borrowed, or one that goes through the environment's proxies."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import threading
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import Any, Final, cast

import httpx

from portkey_gateway.http.connecting import CONNECT_TIMEOUT_S
from portkey_gateway.http.patience import END_WAIT_S, Patience

# In the place of a stream that was read: stream and response refer to each other, so a request of 5 MB would live on
# until the collector runs.
_READ: Final = httpx.ByteStream(b"")


class ClientReply:
    """A response that came through an httpx client (``Reply``)."""

    __slots__ = ("_last_call", "_response", "headers", "status")

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        # httpx searches a list for every name.
        self.headers: Mapping[str, str] = dict(response.headers)
        self._last_call = _LastCall(response)

    def raw(self) -> Generator[bytes]:
        """The body as it comes over the wire."""
        # httpx's ``iter_raw`` closes the response at the end of the body, before anybody could look behind it.
        yield from cast("httpx.SyncByteStream", self._response.stream)
        _refuse_left_over(self._response.stream)

    def expect_end(self) -> None:
        """Shut the connection if the rest does not come in ``END_WAIT_S``."""
        self._last_call.begin()

    def close(self) -> None:
        """Give the connection back, or close it."""
        self._last_call.end()
        self._response.close()
        self._response.stream = _READ


class AsyncClientReply:
    """Async twin of ``ClientReply``."""

    __slots__ = ("_last_call", "_response", "headers", "status")

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers)
        self._last_call = _LastCall(response)

    async def raw(self) -> AsyncGenerator[bytes]:
        """The body as it comes over the wire."""
        async for data in cast("httpx.AsyncByteStream", self._response.stream):
            yield data
        _refuse_left_over(self._response.stream)

    def expect_end(self) -> None:
        """Shut the connection if the rest does not come in ``END_WAIT_S``."""
        self._last_call.begin_in_loop()

    async def close(self) -> None:
        """Give the connection back, or close it."""
        self._last_call.end()
        await self._response.aclose()
        self._response.stream = _READ


def timeouts(patience: Patience) -> dict[str, float | None]:
    """The timeout of each phase of a try in seconds, as httpx names them."""
    longest = None if patience == math.inf else float(patience)
    connect_s = CONNECT_TIMEOUT_S if longest is None else min(CONNECT_TIMEOUT_S, longest)
    return {"connect": connect_s, "read": longest, "write": longest, "pool": longest}


def _refuse_left_over(stream: Any) -> None:
    """Let the connection be closed if bytes stand behind the response: they would answer the next call over it.

    httpcore keeps such a connection. h11 knows of the bytes, and a connection on which sending is said to have failed
    is not used again.
    """
    while (inner := getattr(stream, "_httpcore_stream", None) or getattr(stream, "_stream", None)) is not None:
        stream = inner
    parser = getattr(getattr(stream, "_connection", None), "_h11_state", None)
    if parser is not None and parser.trailing_data[0]:
        parser.send_failed()


class _LastCall:
    """Shuts the connection of a client where the rest of a body does not come: it has its own timeouts."""

    __slots__ = ("_lock", "_stream", "_timer")

    def __init__(self, response: httpx.Response) -> None:
        self._stream: Any = response.extensions.get("network_stream")
        self._lock = threading.Lock()
        self._timer: threading.Timer | asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Shut it in ``END_WAIT_S``, from a thread."""
        if self._stream is not None:
            self._timer = threading.Timer(END_WAIT_S, self._shut)
            self._timer.daemon = True
            self._timer.start()

    def begin_in_loop(self) -> None:
        """Shut it in ``END_WAIT_S``, from the event loop."""
        if self._stream is not None:
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
