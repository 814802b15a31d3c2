"""Media fetched by URL, within bounds: from public hosts, of a size, in a time; sync and async twins adjacent.

Nothing of the gateway's goes along, a borrowed client neither: its headers, credentials and connections are meant for
the gateway. Nor is the URL logged, as httpx's client does: its query may be a signature.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
import time
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

import httpx

from portkey_gateway.errors import APIConnectionError
from portkey_gateway.http.addresses import Allowed, find_refused
from portkey_gateway.http.borrowed import AsyncClientReply, ClientReply
from portkey_gateway.http.connections import AsyncLineTransport, LineTransport, Outgoing
from portkey_gateway.http.patience import Deadline, Patience
from portkey_gateway.http.pool import ssl_context
from portkey_gateway.http.reply import AsyncReply, Reply
from portkey_gateway.http.transport import OWN_HEADERS, is_success
from portkey_gateway.http.unpack import DEFLATE, GZIP, Unpacker
from portkey_gateway.secret_names import shown_url

MAX_INLINE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of all media of one call together; Anthropic takes requests of 32 MB, in which base64 is a third longer."""
INLINE_TIMEOUT_S: Final = 60.0
"""Seconds that fetching one URL may take, its redirects included, where ``timeout`` is not shorter."""
MAX_REDIRECTS: Final = 5

_SILENT_S: Final = 10.0
_PACKED: Final = {"gzip": GZIP, "x-gzip": GZIP, "deflate": DEFLATE}
_PORTS: Final = {"http": 80, "https": 443}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class _RefusedError(Exception):
    """Why something is not fetched, or not taken."""

    def __init__(self, reason: str, *, is_retryable: bool = False) -> None:
        super().__init__(reason)
        self.is_retryable = is_retryable


_UNREACHED: Final = (httpx.ConnectError, httpx.ConnectTimeout)
_UNREADABLE: Final = (
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    UnicodeError,
    OverflowError,
    ValueError,
)
_FAILURES: Final = (_RefusedError, OSError, TimeoutError, httpx.HTTPError, *_UNREADABLE)


@dataclass(slots=True)
class Room:
    """How many bytes, and how much time, the media of one call may still take."""

    left: int = MAX_INLINE_BYTES
    deadline: Deadline = field(default_factory=lambda: Deadline(None))
    """When the whole call has to be over."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, size: int) -> bool:
        """Take some of it; false if there is not so much left."""
        with self._lock:
            self.left -= size
            return self.left >= 0


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL gave."""

    content: bytes = field(repr=False)
    content_type: str


def fetch(url: str, timeout_s: float | None, allowed: Allowed, room: Room) -> Fetched:
    """Get what lies at a URL, following redirects.

    Args:
        url: ``http`` or ``https``.
        timeout_s: seconds that it may take; never more than ``INLINE_TIMEOUT_S``.
        allowed: what may be fetched from although it is private.
        room: how much it may be.

    Raises:
        APIConnectionError: if it cannot be had, or is not to be asked for.
    """
    fetching = _Fetching(url, timeout_s, allowed, room)
    try:
        while not _follow(fetching):
            pass
        return fetching.found()
    except _FAILURES as failure:
        error = fetching.error(failure)
    # Not from within: what stands behind it quotes the URL.
    raise error


async def afetch(url: str, timeout_s: float | None, allowed: Allowed, room: Room) -> Fetched:
    """Async twin of ``fetch``."""
    fetching = _Fetching(url, timeout_s, allowed, room)
    try:
        async with asyncio.timeout(fetching.timeout_s):
            while not await _afollow(fetching):
                pass
        return fetching.found()
    except _FAILURES as failure:
        error = fetching.error(failure)
    raise error


def _follow(fetching: _Fetching) -> bool:
    """Ask once; false if the answer sends us elsewhere."""
    for address in fetching.check(_resolve(*fetching.place)):
        with ExitStack() as closing:
            try:
                reply = _ask(fetching, address, closing)
            except _UNREACHED as failure:
                fetching.unreached = failure
                continue
            closing.callback(reply.close)
            is_found = fetching.begin(reply)
            for data in reply.raw() if is_found else ():
                fetching.feed(data)
            return is_found
    raise fetching.unreached


async def _afollow(fetching: _Fetching) -> bool:
    """Async twin of ``_follow``."""
    for address in fetching.check(await asyncio.to_thread(_resolve, *fetching.place)):
        async with AsyncExitStack() as closing:
            try:
                reply = await _aask(fetching, address, closing)
            except _UNREACHED as failure:
                fetching.unreached = failure
                continue
            closing.push_async_callback(reply.close)
            is_found = fetching.begin(reply)
            if is_found:
                async for data in reply.raw():
                    fetching.feed(data)
            return is_found
    raise fetching.unreached


def _ask(fetching: _Fetching, address: str, closing: ExitStack) -> Reply:
    """Ask over a connection of its own: one that is kept was made, and its certificate seen, for another name."""
    if fetching.proxy:
        transport = closing.enter_context(httpx.HTTPTransport(verify=ssl_context(), proxy=fetching.proxy))
        return ClientReply(transport.handle_request(fetching.proxied()))
    line = LineTransport(ssl_context)
    closing.callback(line.close)
    return line.send(fetching.outgoing(address), fetching.patience)


async def _aask(fetching: _Fetching, address: str, closing: AsyncExitStack) -> AsyncReply:
    """Async twin of ``_ask``."""
    if fetching.proxy:
        proxied = httpx.AsyncHTTPTransport(verify=ssl_context(), proxy=fetching.proxy)
        transport = await closing.enter_async_context(proxied)
        return AsyncClientReply(await transport.handle_async_request(fetching.proxied()))
    line = AsyncLineTransport(ssl_context)
    closing.push_async_callback(line.close)
    return await line.send(fetching.outgoing(address), fetching.patience)


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class _Fetching:
    """One URL on its way, from redirect to redirect; it does no I/O.

    Attributes:
        timeout_s: seconds that all of it may take.
        patience: what is left of them.
        proxy: what the environment says to go through for the URL that it has come to.
        unreached: why the address that was tried last could not be reached.
    """

    def __init__(self, url: str, timeout_s: float | None, allowed: Allowed, room: Room) -> None:
        self._given = shown_url(url)
        self._next: str | httpx.URL = url
        self._url = httpx.URL()
        self._allowed = allowed
        self._room = room
        self.timeout_s = min(timeout_s or INLINE_TIMEOUT_S, INLINE_TIMEOUT_S, room.deadline.at - time.monotonic())
        self.patience = Patience(_SILENT_S, Deadline(self.timeout_s))
        self._redirects = 0
        self._came = 0
        self._pieces: list[bytes] = []
        self._content_type = ""
        self._unpacker: Unpacker | None = None
        self.proxy: str | None = None
        self.unreached: Exception = _RefusedError("its host has no address", is_retryable=True)

    def error(self, failure: Exception) -> APIConnectionError:
        """Tell of one of ``_FAILURES`` by the URL that was given, without what may be secret in it."""
        reason, is_retryable = f"the connection failed ({type(failure).__name__})", True
        if isinstance(failure, _RefusedError):
            reason, is_retryable = str(failure), failure.is_retryable
        elif isinstance(failure, socket.gaierror):
            reason = "no such host is known"
        elif isinstance(failure, TimeoutError | httpx.TimeoutException):
            reason = "it takes too long"
        elif isinstance(failure, httpx.DecodingError):
            reason = "its body cannot be decompressed"
        elif isinstance(failure, _UNREADABLE):
            reason, is_retryable = "its address cannot be read", False
        error = APIConnectionError(f"cannot fetch {self._given!r} to inline it: {reason}")
        error.is_retryable = is_retryable
        return error

    @property
    def place(self) -> tuple[str, int]:
        """Host and port to be looked up, of the URL that is next."""
        url = httpx.URL(self._next)
        if url.scheme not in _PORTS or not url.host:
            raise _RefusedError("only http and https are fetched")
        self._url = url
        proxied = url.scheme in getproxies() or "all" in getproxies()
        proxies = getproxies() if proxied and not proxy_bypass(url.host) else {}
        self.proxy = proxies.get(url.scheme) or proxies.get("all")
        return url.host, url.port or _PORTS[url.scheme]

    def check(self, addresses: list[str]) -> list[str]:
        """The addresses to try, one after the other: those that were looked at, so that no second look differs."""
        refused = find_refused(self._url.host, addresses, self._allowed)
        if refused:
            raise _RefusedError(
                f"{self._url.host} is {refused}, which is no public address; if media may come from there, say "
                f"inline_from=[{self._url.host!r}]"
            )
        return addresses[:1] if self.proxy else addresses

    def outgoing(self, address: str) -> Outgoing:
        """The request for the URL that it has come to, to one of its addresses."""
        url = self._url.copy_with(host=address)
        return Outgoing.of("GET", url, self._headers(), server_name=self._url.host)

    def proxied(self) -> httpx.Request:
        """The request through a proxy, which looks names up itself."""
        extensions = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), float(self.patience))}
        return httpx.Request("GET", self._url, headers=self._headers(), extensions=extensions)

    def _headers(self) -> dict[str, str]:
        if self.patience.is_over:
            raise TimeoutError
        headers = {**OWN_HEADERS, "host": self._url.netloc.decode("ascii"), "connection": "close"}
        if self._url.userinfo:
            told = unquote(self._url.userinfo.decode("ascii"))
            headers["authorization"] = f"Basic {base64.b64encode(told.encode()).decode('ascii')}"
        return headers

    def begin(self, reply: Reply | AsyncReply) -> bool:
        """Look at what came; false if it sends us elsewhere."""
        status = reply.status
        if status in _REDIRECTS and "location" in reply.headers:
            self._redirects += 1
            if self._redirects > MAX_REDIRECTS:
                raise _RefusedError("it leads from one redirect to the next")
            self._next = self._url.join(reply.headers["location"])
            return False
        if not is_success(status):
            passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
            raise _RefusedError(f"HTTP {status}", is_retryable=passing)
        size = reply.headers.get("content-length", "")
        if size.isdecimal() and int(size) > self._room.left:
            raise _too_large()
        packed = reply.headers.get("content-encoding", "").strip().lower()
        if packed in _PACKED:
            self._unpacker = Unpacker(_PACKED[packed])
        elif packed not in {"", "identity"}:
            raise _RefusedError("it is packed in a way that nobody asked for")
        self._content_type = reply.headers.get("content-type", "")
        return True

    def feed(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self.patience.is_over:
            raise TimeoutError
        # What is packed may also hold nothing, or have an end with much behind it.
        self._came += len(data)
        if self._came > MAX_INLINE_BYTES:
            raise _too_large()
        for piece in (data,) if self._unpacker is None else self._unpacker.feed(data):
            if not self._room.take(len(piece)):
                raise _too_large()
            self._pieces.append(piece)

    def found(self) -> Fetched:
        """What it gave.

        Raises:
            _RefusedError: if that is a part.
        """
        if self._unpacker is not None and not self._unpacker.has_ended:
            raise _RefusedError("its body cannot be decompressed: it breaks off")
        return Fetched(b"".join(self._pieces), self._content_type)


def _too_large() -> _RefusedError:
    return _RefusedError(f"the media of one call may take {MAX_INLINE_BYTES // 2**20} MiB together")
