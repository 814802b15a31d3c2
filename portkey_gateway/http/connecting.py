"""How a connection is made: where it goes, within which time, and what is told where that fails."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final, NamedTuple, TypeAlias

import httpx

from portkey_gateway.http.patience import Patience

CONNECT_TIMEOUT_S: Final = 10.0
"""Seconds to wait for a connection, where the whole call may take longer."""

_ALPN: Final = ["http/1.1"]
# A socket, or what the transport of an event loop shows of its own.
_Opened: TypeAlias = Any


class Place(NamedTuple):
    """Where a connection goes."""

    scheme: str
    host: str
    port: int
    server_name: str
    """The name that the certificate has to bear."""


MakeContext = Callable[[], ssl.SSLContext]


def open_socket(place: Place, patience: Patience) -> socket.socket:
    """Try one address of the host after the other, each for so long as there is still time for."""
    found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    for tried, (family, kind, proto, _, address) in enumerate(found, 1):
        seconds = connect_s(patience)
        try:
            with ExitStack() as unless_connected:
                connected = unless_connected.enter_context(socket.socket(family, kind, proto))
                connected.settimeout(seconds)
                connected.connect(address)
                unless_connected.pop_all()
                return connected
        except OSError:
            if tried == len(found):
                raise
    raise OSError("the host has no address")


def is_readable(opened: _Opened) -> bool:
    """Whether something can be read of a socket at once, or it was closed."""
    if not hasattr(select, "poll"):  # Windows, whose select knows no bound of file numbers
        return bool(select.select([opened], [], [], 0)[0])
    poll = select.poll()  # of each connection one would take half a KB
    poll.register(opened, select.POLLIN)
    return bool(poll.poll(0))


def tls_context(place: Place, make_context: MakeContext) -> ssl.SSLContext | None:
    """Whom to trust, and what to speak; ``None`` where no TLS is spoken."""
    if place.scheme != "https":
        return None
    context = make_context()
    context.set_alpn_protocols(_ALPN)
    return context


def connect_s(patience: Patience) -> float:
    """Seconds that one step on the way to a connection may take.

    Raises:
        httpx.ConnectTimeout: if there are none left.
    """
    seconds = left_s(patience, httpx.ConnectTimeout)
    return CONNECT_TIMEOUT_S if seconds is None else min(CONNECT_TIMEOUT_S, seconds)


def connect_error(error: BaseException) -> httpx.TransportError | None:
    """What a failure to connect is told as; ``None`` where it is none."""
    if isinstance(error, TimeoutError):
        return httpx.ConnectTimeout(str(error))
    if isinstance(error, OverflowError | UnicodeError):  # of a port or a host that cannot be
        return httpx.UnsupportedProtocol(str(error))
    return httpx.ConnectError(str(error)) if isinstance(error, OSError) else None


def left_s(patience: Patience, timed_out: type[httpx.TimeoutException]) -> float | None:
    """Seconds to wait for the next byte; ``None`` for ever.

    Args:
        patience: of the call.
        timed_out: what is raised if there are none left.
    """
    seconds = patience.left_s()
    if seconds is not None and seconds <= 0:
        raise timed_out("the time is up")
    return seconds
