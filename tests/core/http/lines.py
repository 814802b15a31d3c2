"""Connections of a thread and of an event loop, of which both ends are at hand, for tests that hold of either."""

from __future__ import annotations

import asyncio
import inspect
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeAlias

import pytest

from portkey_gateway.http.connecting import Place
from portkey_gateway.http.network import AsyncLine, Line
from portkey_gateway.http.patience import Deadline, Patience

Either: TypeAlias = Line | AsyncLine
FOR_EVER = Patience(None, Deadline(None))
SOON_S = 5.0
RESET = struct.pack("ii", 1, 0)


OVER = Patience(None, Deadline(0))


def seconds(count: float) -> Patience:
    return Patience(count, Deadline(None))


def no_context() -> ssl.SSLContext:
    raise AssertionError("no TLS is asked for")


async def done(result: Any) -> Any:
    """What a method gave, of either kind of connection."""
    return await result if inspect.isawaitable(result) else result


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Where the connections lead; whoever connects is let in before anybody accepts."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(SOON_S)
        yield made


@pytest.fixture(params=[Line, AsyncLine])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """Makes a connection of either kind, to a port; all are closed in the end."""
    made: list[Either] = []

    def make_line(port: int, host: str = "127.0.0.1", scheme: str = "http", server_name: str = "") -> Either:
        made.append(request.param(Place(scheme, host, port, server_name or host)))
        return made[-1]

    yield make_line
    for line in made:
        line.close()
    await asyncio.wait_for(asyncio.gather(*[line.closed for line in made if isinstance(line, AsyncLine)]), SOON_S)


class Ends:
    """Both ends of a connection."""

    def __init__(self, line: Either, peer: socket.socket) -> None:
        self.line = line
        self.peer = peer

    async def says(self, data: bytes) -> None:
        """Let the other end say something, and wait until it is here."""
        self.peer.sendall(data)
        for _ in range(500):
            if not self.line.is_usable:
                return
            await asyncio.sleep(0.001)
        raise AssertionError("nothing came")

    async def hears(self, size: int) -> bytes:
        """What comes to the other end, up to a size."""

        def receive() -> bytes:
            came = bytearray()
            while len(came) < size and (data := self.peer.recv(1 << 20)):
                came += data
            return bytes(came)

        return await asyncio.to_thread(receive)

    def reset(self) -> None:
        """Break the connection from the other end."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.peer.close()


@pytest.fixture
async def ends(make: Any, listener: socket.socket) -> AsyncIterator[Ends]:
    line = make(listener.getsockname()[1])
    await done(line.connect(FOR_EVER, no_context))
    peer, _ = listener.accept()
    peer.settimeout(SOON_S)
    with peer:
        yield Ends(line, peer)
