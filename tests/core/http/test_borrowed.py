"""What came through an httpx client: read as it comes, given back, its connection shut where the end does not come."""

from __future__ import annotations

import asyncio
import inspect
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from portkey_gateway.http import borrowed
from portkey_gateway.http.borrowed import AsyncClientReply, ClientReply, timeouts
from portkey_gateway.http.connecting import CONNECT_TIMEOUT_S
from portkey_gateway.http.patience import Deadline, Patience

SOON_S = 5.0


class Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body; what it stands on is told as httpcore tells it."""

    def __init__(self, *pieces: bytes, behind: bytes | None = None) -> None:
        self.pieces = pieces
        self.is_closed = False
        self.has_failed = False
        parser = SimpleNamespace(trailing_data=(behind, False), send_failed=self._fail)
        connection = SimpleNamespace(_h11_state=parser) if behind is not None else None
        self._stream = SimpleNamespace(_httpcore_stream=SimpleNamespace(_connection=connection))

    def _fail(self) -> None:
        self.has_failed = True

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


async def done(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


async def read(reply: Any) -> list[bytes]:
    raw: Any = reply.raw()
    return [data async for data in raw] if hasattr(raw, "__aiter__") else [*raw]


either = pytest.mark.parametrize("kind", [ClientReply, AsyncClientReply])


@either
async def test_a_reply_tells_what_the_response_says_and_its_body_as_it_is_on_the_wire(kind: Any) -> None:
    stream = Stream(b"\x1f", b"packed")
    response = httpx.Response(246, headers={"X-A": "1", "content-encoding": "gzip"}, stream=stream)
    reply = kind(response)
    assert (reply.status, reply.headers) == (246, {"x-a": "1", "content-encoding": "gzip"})
    assert await read(reply) == [b"\x1f", b"packed"]
    assert not stream.is_closed
    await done(reply.close())
    assert stream.is_closed
    assert response.stream is not stream  # which holds the request


@either
async def test_a_reply_that_was_not_read_is_closed(kind: Any) -> None:
    stream = Stream(b"a", b"b")
    await done(kind(httpx.Response(200, stream=stream)).close())
    assert stream.is_closed


@either
@pytest.mark.parametrize(("behind", "has_failed"), [(b"", False), (b"HTTP/1.1 200 OK", True), (None, False)])
async def test_bytes_behind_the_response_end_its_connection(
    kind: Any, behind: bytes | None, *, has_failed: bool
) -> None:
    stream = Stream(b"all", behind=behind)
    reply = kind(httpx.Response(200, stream=stream))
    assert await read(reply) == [b"all"]
    assert stream.has_failed is has_failed
    await done(reply.close())


@either
async def test_what_is_no_stream_of_httpcores_is_read_all_the_same(kind: Any) -> None:
    reply = kind(httpx.Response(200, stream=httpx.ByteStream(b"all")))
    assert await read(reply) == [b"all"]
    await done(reply.close())


@pytest.mark.parametrize(
    ("patience", "connect_s", "longest_s"),
    [
        (Patience(600, Deadline(None)), CONNECT_TIMEOUT_S, 600),
        (Patience(3, Deadline(None)), 3, 3),
        (Patience(CONNECT_TIMEOUT_S, Deadline(None)), CONNECT_TIMEOUT_S, CONNECT_TIMEOUT_S),
        (Patience(None, Deadline(None)), CONNECT_TIMEOUT_S, None),
        (Patience(None, Deadline(0)), 0, 0),
    ],
)
def test_each_phase_takes_no_longer_than_its_bound(
    patience: Patience, connect_s: float, longest_s: float | None
) -> None:
    assert timeouts(patience) == {"connect": connect_s, "read": longest_s, "write": longest_s, "pool": longest_s}


# --- the last call --------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[socket.socket, socket.socket]]:
    monkeypatch.setattr(borrowed, "END_WAIT_S", 0.05)
    ours, theirs = socket.socketpair()
    theirs.settimeout(SOON_S)
    with ours, theirs:
        yield ours, theirs


def over(kind: Any, extensions: dict[str, Any]) -> Any:
    return kind(httpx.Response(200, stream=Stream(b"a"), extensions=extensions))


def network_stream(handle: Any) -> dict[str, Any]:
    return {"network_stream": SimpleNamespace(get_extra_info={"socket": handle}.get)}


@either
async def test_where_the_rest_does_not_come_the_connection_is_shut(
    kind: Any, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    reply = over(kind, network_stream(ours))
    reply.expect_end()
    assert await asyncio.to_thread(theirs.recv, 1) == b""
    assert ours.recv(1) == b""
    assert ours.fileno() > 0  # it is still the client's to close
    await done(reply.close())


@either
async def test_where_the_rest_came_the_connection_is_left_as_it_is(
    kind: Any, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pair
    monkeypatch.setattr(borrowed, "END_WAIT_S", 0.4)
    before = threading.active_count()
    reply = over(kind, network_stream(ours))
    reply.expect_end()
    timers = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
    assert all(each.daemon for each in timers)
    await done(reply.close())
    await asyncio.sleep(0.6)
    ours.sendall(b"still here")
    assert theirs.recv(100) == b"still here"
    assert threading.active_count() <= before


@either
@pytest.mark.parametrize("extensions", [{}, {"network_stream": None}])
async def test_what_has_no_connection_has_none_to_shut(
    kind: Any, extensions: dict[str, Any], pair: tuple[socket.socket, socket.socket]
) -> None:
    reply = over(kind, extensions)
    reply.expect_end()
    await asyncio.sleep(0.1)
    await done(reply.close())
    assert pair[0].fileno() > 0


@either
async def test_a_connection_that_is_closed_already_or_hidden_is_no_trouble(
    kind: Any, pair: tuple[socket.socket, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    ours, _ = pair
    ours.close()
    unconnected = socket.socket()
    for handle in (ours, None, unconnected):
        reply = over(kind, network_stream(handle))
        reply.expect_end()
        await asyncio.sleep(0.1)
        await done(reply.close())
    unconnected.close()
    assert caplog.text == ""
