"""TLS of an event loop's connection, held against Python's own: cut anywhere, spoilt, ended, and small in memory."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest

from portkey_gateway.http.connecting import Place
from portkey_gateway.http.network import AsyncLine
from portkey_gateway.http.patience import Deadline, Patience
from portkey_gateway.http.tls import Tls
from tests.core.http.lines import FOR_EVER, SOON_S, seconds
from tests.support.tls import make_certificate

HOST = "gateway.example"
LARGE = bytes(range(256)) * 4096  # 1 MiB: many records


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), HOST)


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def server(request: pytest.FixtureRequest, certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.minimum_version = context.maximum_version = request.param
    return context


class OtherEnd:
    """Python's own TLS, as a server, over memory."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.heard, self.said = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.heard, self.said, server_side=True)

    def shake_hands(self, came: bytes) -> bytes:
        self.heard.write(came)
        with suppress(ssl.SSLWantReadError):
            self.object.do_handshake()
        return self.said.read()

    def says(self, data: bytes) -> bytes:
        assert self.object.write(data) == len(data)
        return self.said.read()

    def hears(self, came: bytes) -> bytes:
        self.heard.write(came)
        data = bytearray()
        try:
            while piece := self.object.read(1 << 20):
                data += piece
        except ssl.SSLWantReadError:
            pass
        return bytes(data)


def agreed(trusting: ssl.SSLContext, server: ssl.SSLContext, piece: int = 1 << 20) -> tuple[Tls, OtherEnd]:
    """Both ends, after a handshake that came in pieces of so many bytes."""
    tls, other = Tls(trusting, HOST), OtherEnd(server)
    is_done, came = tls.shake_hands(b""), b""
    while not is_done:
        came += other.shake_hands(tls.take_told())
        data, came = came[:piece], came[piece:]
        is_done = tls.shake_hands(data)
    came += other.shake_hands(tls.take_told())
    assert tls.open(came) == b""  # tickets, which nobody reads
    return tls, other


# --- what comes and what leaves -------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_both_ends_agree_and_hear_each_other_however_the_network_cuts(
    trusting: ssl.SSLContext, server: ssl.SSLContext, piece: int
) -> None:
    tls, other = agreed(trusting, server, piece)
    sealed, count = tls.seal(memoryview(b"question"))
    assert count == len(b"question")
    assert other.hears(sealed) == b"question"
    wire = other.says(b"answer") + other.says(b", and more")
    assert b"".join(tls.open(wire[at : at + piece]) for at in range(0, len(wire), piece)) == b"answer, and more"
    assert tls.take_told() == b""
    assert tls.has_ended is False


def test_what_is_larger_than_a_record_goes_whole_both_ways(trusting: ssl.SSLContext, server: ssl.SSLContext) -> None:
    tls, other = agreed(trusting, server)
    sealed, count = tls.seal(memoryview(LARGE))
    assert count == len(LARGE)
    assert other.hears(sealed) == LARGE
    wire = b"".join(other.says(LARGE[at : at + 50_000]) for at in range(0, len(LARGE), 50_000))
    assert tls.open(wire) == LARGE


def test_the_other_end_says_that_nothing_follows(trusting: ssl.SSLContext, server: ssl.SSLContext) -> None:
    tls, other = agreed(trusting, server)
    last = other.says(b"the last")
    with pytest.raises(ssl.SSLWantReadError):
        other.object.unwrap()
    assert tls.open(last + other.said.read()) == b"the last"
    assert tls.has_ended is True


def test_what_was_spoilt_on_the_way_is_refused(trusting: ssl.SSLContext, server: ssl.SSLContext) -> None:
    tls, other = agreed(trusting, server)
    wire = bytearray(other.says(b"answer"))
    wire[-1] ^= 1
    with pytest.raises(ssl.SSLError):
        tls.open(bytes(wire))


def test_nothing_is_sealed_while_the_other_end_has_to_be_heard_first(
    trusting: ssl.SSLContext, server: ssl.SSLContext
) -> None:
    tls, other = Tls(trusting, HOST), OtherEnd(server)
    # In a handshake, as in another one that the other end asks for.
    told, count = tls.seal(memoryview(b"too soon"))
    assert count == 0
    while not tls.shake_hands(other.shake_hands(told)):
        told = tls.take_told()
        assert told
    other.shake_hands(tls.take_told())
    sealed, count = tls.seal(memoryview(b"question"))
    assert count == len(b"question")
    assert other.hears(sealed) == b"question"


def test_whoever_is_not_trusted_is_told_so(server: ssl.SSLContext) -> None:
    tls, other = Tls(ssl.create_default_context(), HOST), OtherEnd(server)
    tls.shake_hands(b"")
    with pytest.raises(ssl.SSLCertVerificationError):
        tls.shake_hands(other.shake_hands(tls.take_told()))
    with pytest.raises(ssl.SSLError, match=r"(?i)unknown.ca|internal.error"):
        other.shake_hands(tls.take_told())


# --- a connection ---------------------------------------------------------------------------------------------------

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve, context: ssl.SSLContext | None) -> AsyncIterator[Place]:
    """A server of asyncio's own; each connection to it is served and then closed."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    made = await asyncio.start_server(once, "127.0.0.1", 0, ssl=context)
    async with made:
        yield Place("https", "127.0.0.1", made.sockets[0].getsockname()[1], HOST)


@asynccontextmanager
async def connected(place: Place, trusting: ssl.SSLContext) -> AsyncIterator[AsyncLine]:
    line = AsyncLine(place)
    try:
        await line.connect(seconds(SOON_S), lambda: trusting)
        yield line
    finally:
        line.close()
        await asyncio.wait_for(line.closed, SOON_S)


async def read(line: AsyncLine, size: int) -> bytes:
    data = b""
    while len(data) < size and (came := await line.read(seconds(SOON_S))):
        data += came
    return data


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def test_a_connection_carries_much_both_ways_and_is_usable_again(
    trusting: ssl.SSLContext, server: ssl.SSLContext
) -> None:
    async with serving(echo, server) as place, connected(place, trusting) as line:
        for data in (b"small", LARGE, b"again"):
            sending = asyncio.create_task(line.send(b"", data, FOR_EVER))
            assert await read(line, len(data)) == data
            await sending
            assert line.has_written is True
            assert line.is_usable is True


async def test_the_end_is_the_end_whether_it_is_told_or_not(trusting: ssl.SSLContext, server: ssl.SSLContext) -> None:
    async def tells(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")

    async def breaks_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        await writer.drain()
        # The end of the connection beneath, and none of TLS.
        with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as beneath:
            beneath.shutdown(socket.SHUT_WR)

    for serve in (tells, breaks_off):
        async with serving(serve, server) as place, connected(place, trusting) as line:
            assert await read(line, 100) == b"bye"
            assert await line.read(FOR_EVER) == b""
            assert line.is_usable is False


@asynccontextmanager
async def both_ends(
    trusting: ssl.SSLContext, server: ssl.SSLContext, listener: socket.socket, behind: bytes = b""
) -> AsyncIterator[tuple[AsyncLine, OtherEnd, socket.socket]]:
    """A connection, and its other end in our hands; what is said behind the handshake comes with its end, in pieces."""
    line, other = AsyncLine(Place("https", "127.0.0.1", listener.getsockname()[1], HOST)), OtherEnd(server)
    connecting = asyncio.create_task(line.connect(seconds(SOON_S), lambda: trusting))
    peer, _ = await asyncio.to_thread(listener.accept)
    peer.settimeout(SOON_S)
    with peer:
        peer.sendall(other.shake_hands(await asyncio.to_thread(peer.recv, 1 << 16)))
        last = other.shake_hands(await asyncio.to_thread(peer.recv, 1 << 16))
        for piece in (last, *[other.says(behind[at : at + 50_000]) for at in range(0, len(behind), 50_000)]):
            line.data_received(piece)  # as loops may do that read on before anybody is woken
        try:
            await connecting
            yield line, other, peer
        finally:
            line.close()
            await asyncio.wait_for(line.closed, SOON_S)


async def test_much_that_comes_with_the_end_of_the_handshake_lets_the_other_end_go_on(
    trusting: ssl.SSLContext, server: ssl.SSLContext, listener: socket.socket
) -> None:
    async with both_ends(trusting, server, listener, LARGE) as (line, other, peer):
        assert await read(line, len(LARGE)) == LARGE
        peer.sendall(other.says(b"and more"))
        assert await read(line, 8) == b"and more"


async def test_who_says_that_nothing_follows_is_not_sent_more_nor_heard(
    trusting: ssl.SSLContext, server: ssl.SSLContext, listener: socket.socket
) -> None:
    async with both_ends(trusting, server, listener) as (line, other, peer):
        last = other.says(b"the last")
        with pytest.raises(ssl.SSLWantReadError):
            other.object.unwrap()
        peer.sendall(last + other.said.read())
        await asyncio.wait_for(line.closed, SOON_S)  # although the connection beneath is open
        with pytest.raises(httpx.WriteError):
            await line.send(b"", LARGE, FOR_EVER)
        assert line.has_written is False
        assert await line.read(FOR_EVER) == b"the last"
        assert await line.read(FOR_EVER) == b""


async def test_who_wants_to_be_heard_first_is_sent_the_rest_then(
    trusting: ssl.SSLContext, server: ssl.SSLContext, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal, asked = Tls.seal, asyncio.Event()

    def sealed(tls: Tls, data: memoryview) -> tuple[bytes, int]:
        if asked.is_set():
            return seal(tls, data)
        asked.set()
        return seal(tls, data[:5])[0], 0  # as where a handshake begins again; the words are told apart below

    async with both_ends(trusting, server, listener) as (line, other, peer):
        monkeypatch.setattr(Tls, "seal", sealed)
        sending = asyncio.create_task(line.send(b"question", b"", seconds(SOON_S)))
        await asyncio.wait_for(asked.wait(), SOON_S)
        assert other.hears(await asyncio.to_thread(peer.recv, 1 << 16)) == b"quest"
        assert not sending.done()
        line.data_received(b"")  # words of TLS itself
        await asyncio.wait_for(sending, SOON_S)
        assert other.hears(await asyncio.to_thread(peer.recv, 1 << 16)) == b"question"


async def test_what_was_spoilt_breaks_the_connection(trusting: ssl.SSLContext, server: ssl.SSLContext) -> None:
    async with serving(echo, server) as place, connected(place, trusting) as line:
        line.data_received(b"\x17\x03\x03\x00\x20" + b"x" * 32)  # a record that nobody sealed
        await asyncio.wait_for(line.closed, SOON_S)
        with pytest.raises(httpx.ReadError) as caught:
            await line.read(FOR_EVER)
        assert isinstance(caught.value.__cause__, ssl.SSLError)
        assert line.is_usable is False


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28", b""])
async def test_whoever_speaks_no_tls_refuses_it_or_leaves_is_a_connect_error(
    trusting: ssl.SSLContext, said: bytes
) -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(said)

    async with serving(answers, None) as place:
        line = AsyncLine(place)
        with pytest.raises(httpx.ConnectError, match=r"SSL|closed in the handshake|reset"):
            await line.connect(seconds(SOON_S), lambda: trusting)
        await asyncio.wait_for(line.closed, SOON_S)


async def test_the_handshake_ends_in_time_and_can_be_left(trusting: ssl.SSLContext) -> None:
    async def is_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(is_silent, None) as place:
        line = AsyncLine(place)
        with pytest.raises(httpx.ConnectTimeout):
            await line.connect(Patience(None, Deadline(0.1)), lambda: trusting)
        left = AsyncLine(place)
        connecting = asyncio.create_task(left.connect(FOR_EVER, lambda: trusting))
        await asyncio.sleep(0.05)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        for each in (line, left):
            await asyncio.wait_for(each.closed, SOON_S)
            assert each.is_usable is False


async def test_a_connection_takes_little_memory(
    trusting: ssl.SSLContext, server: ssl.SSLContext, listener: socket.socket
) -> None:
    kept: list[ssl.SSLSocket] = []

    def answer_each() -> None:
        """As a thread, since of asyncio's own TLS each connection takes 256 KiB."""
        for _ in range(21):
            kept.append(server.wrap_socket(listener.accept()[0], server_side=True))
            kept[-1].sendall(kept[-1].recv(1000).upper())

    answering = asyncio.create_task(asyncio.to_thread(answer_each))
    lines = [AsyncLine(Place("https", "127.0.0.1", listener.getsockname()[1], HOST)) for _ in range(21)]
    before = 0
    tracemalloc.start()
    try:
        for number, line in enumerate(lines):
            await line.connect(seconds(SOON_S), lambda: trusting)
            await line.send(b"x" * 1000, b"", FOR_EVER)
            assert await read(line, 1000) == b"X" * 1000
            if number == 0:  # what the first one makes for all is there
                gc.collect()
                before, _ = tracemalloc.get_traced_memory()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        for line in lines:
            line.close()
        await answering
        for each in kept:
            each.close()
        await asyncio.wait([line.closed for line in lines], timeout=SOON_S)
    assert (after - before) / 20 < 16 * 1024  # bytes, with what the other end takes
