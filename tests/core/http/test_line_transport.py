"""What is sent over which connection: a kept one, a new one, one that broke; and what becomes of it then."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from portkey_gateway.http import connections
from portkey_gateway.http.connecting import Place
from portkey_gateway.http.connections import AsyncLineTransport, LineTransport, Outgoing
from portkey_gateway.http.patience import Deadline, Patience

HERE = Place("http", "gateway.example", 80, "gateway.example")
PATIENCE = Patience(None, Deadline(None))
REQUEST = Outgoing.of("POST", "http://gateway.example/v1/x", {}, b"{}")
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: 1\r\n\r\nhello"


@dataclass(eq=False)
class Scripted:
    """A connection that does as it is told; what is an exception is raised."""

    place: Place
    reads: list[Any]
    connects: BaseException | None = None
    sends: BaseException | None = None
    has_written: bool = False
    is_usable: bool = True
    idle_since: float = 0.0
    sent: list[bytes] = field(default_factory=list)
    is_closed: bool = False

    def connect(self, patience: Patience, _: Any) -> None:
        assert patience is PATIENCE
        if self.connects:
            raise self.connects

    def send(self, head: bytes, body: bytes, patience: Patience) -> None:
        assert patience is PATIENCE
        if self.sends:
            raise self.sends
        self.has_written = True
        self.sent.append(head + body)

    def read(self, patience: Patience) -> bytes:
        assert patience is PATIENCE
        read: Any = self.reads.pop(0)
        if isinstance(read, BaseException):
            raise read
        assert isinstance(read, bytes)
        return read

    def close(self) -> None:
        self.is_closed = True


class AsyncScripted(Scripted):
    has_rested = False

    async def connect(self, patience: Patience, _: Any) -> None:  # type: ignore[override]  # async
        super().connect(patience, _)

    async def send(self, head: bytes, body: bytes, patience: Patience) -> None:  # type: ignore[override]  # async
        super().send(head, body, patience)

    async def read(self, patience: Patience) -> bytes:  # type: ignore[override]  # async
        return super().read(patience)

    def rest(self) -> None:
        self.has_rested = True

    @property
    def closed(self) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().create_future()
        if self.is_closed:
            future.set_result(None)
        return future


class Sending:
    """Sends over scripted connections, sync or async."""

    def __init__(self, *, is_async: bool) -> None:
        self.made: list[Any] = []
        self.scripts: list[dict[str, Any]] = []
        self.kind: Any = AsyncScripted if is_async else Scripted
        transport: Any = AsyncLineTransport if is_async else LineTransport
        self.transport = transport(lambda: None)

    def make(self, place: Place) -> Any:
        self.made.append(self.kind(place, **self.scripts.pop(0)))
        return self.made[-1]

    async def ask(self) -> Any:
        return await done(self.transport.send(REQUEST, PATIENCE))

    async def body(self, reply: Any) -> list[bytes]:
        raw: Any = reply.raw()
        return [data async for data in raw] if hasattr(raw, "__aiter__") else [*raw]

    async def whole(self) -> bytes:
        """The body of one answer, whose connection is given back."""
        reply = await self.ask()
        content = b"".join(await self.body(reply))
        await done(reply.close())
        return content


async def done(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


@pytest.fixture(params=[False, True], ids=["sync", "async"])
async def sending(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sending]:
    made = Sending(is_async=request.param)
    monkeypatch.setattr(connections, "AsyncLine" if request.param else "Line", made.make)
    yield made
    await done(made.transport.close())
    assert all(line.is_closed for line in made.made)
    assert made.transport.lines.count == 0


async def test_one_connection_carries_one_call_after_the_other(sending: Sending) -> None:
    sending.scripts = [{"reads": [ANSWER, ANSWER[:30], ANSWER[30:-3], ANSWER[-3:]]}]
    reply = await sending.ask()
    assert (reply.status, reply.headers) == (200, {"content-length": "5", "x-a": "1"})
    assert await sending.body(reply) == [b"hello"]
    assert sending.transport.lines.count == 0  # it may still hear of more
    await done(reply.close())
    await done(reply.close())
    assert sending.transport.lines.count == 1
    assert await sending.whole() == b"hello"
    [line] = sending.made
    assert line.sent == [REQUEST.head + REQUEST.body] * 2
    assert line.place == HERE
    assert not line.is_closed
    assert time.monotonic() - line.idle_since < 5
    if isinstance(line, AsyncScripted):
        assert line.has_rested


@pytest.mark.parametrize(
    "reads",
    [
        [ANSWER.replace(b"x-a: 1", b"connection: close")],
        [b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello"],
        [b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo", b""],
        [ANSWER + b"behind it"],
    ],
)
async def test_what_may_not_carry_another_call_is_closed(sending: Sending, reads: list[bytes]) -> None:
    sending.scripts = [{"reads": [*reads]}]
    assert await sending.whole() == b"hello"
    assert sending.made[0].is_closed
    assert sending.transport.lines.count == 0


async def test_an_answer_left_early_closes_its_connection(sending: Sending) -> None:
    sending.scripts = [{"reads": [ANSWER]}, {"reads": [ANSWER[:-2]]}]
    for _ in range(2):
        await done((await sending.ask()).close())
    assert [line.is_closed for line in sending.made] == [True, True]


async def test_whoever_reads_on_after_the_close_reads_nothing_of_the_next_answer(sending: Sending) -> None:
    sending.scripts = [{"reads": [ANSWER[:-2], b"lo"]}]
    reply = await sending.ask()
    await done(reply.close())
    assert await sending.body(reply) == [b"hel"]
    assert sending.made[0].reads == [b"lo"]


async def test_a_connection_that_was_broken_while_idle_costs_no_call(sending: Sending) -> None:
    sending.scripts = [{"reads": [ANSWER]}, {"reads": [ANSWER]}]
    assert await sending.whole() == b"hello"
    stale = sending.made[0]
    stale.sends, stale.has_written = httpx.WriteError("broken"), False
    assert await sending.whole() == b"hello"
    assert [line.is_closed for line in sending.made] == [True, False]


@pytest.mark.parametrize("is_kept", [False, True])
async def test_what_was_sent_is_not_sent_again_by_itself(sending: Sending, *, is_kept: bool) -> None:
    sending.scripts = [{"reads": [*[ANSWER] * is_kept, httpx.ReadError("gone")]}]
    if is_kept:
        assert await sending.whole() == b"hello"
    with pytest.raises(httpx.ReadError, match="gone"):
        await sending.ask()
    [line] = sending.made
    assert line.is_closed
    assert sending.transport.lines.clear() == []


async def test_a_new_connection_that_breaks_is_an_error(sending: Sending) -> None:
    sending.scripts = [
        {"reads": [], "connects": httpx.ConnectError("refused")},
        {"reads": [], "sends": httpx.WriteError("broken")},
    ]
    for text in ("refused", "broken"):
        with pytest.raises(httpx.TransportError, match=text):
            await sending.ask()
    assert [line.is_closed for line in sending.made] == [True, True]
    assert sending.transport.lines.clear() == []


async def test_whatever_interrupts_a_call_closes_its_connection(sending: Sending) -> None:
    sending.scripts = [{"reads": [], "connects": asyncio.CancelledError()}, {"reads": [asyncio.CancelledError()]}]
    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            await sending.ask()
    assert [line.is_closed for line in sending.made] == [True, True]
    assert sending.transport.lines.clear() == []


async def test_an_answer_that_came_before_all_was_heard_counts_but_ends_its_connection(sending: Sending) -> None:
    refused = b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno"
    sending.scripts = [{"reads": [refused], "sends": httpx.WriteError("broken"), "has_written": True}]
    reply = await sending.ask()
    assert (reply.status, await sending.body(reply)) == (413, [b"no"])
    await done(reply.close())
    assert sending.made[0].is_closed


@pytest.mark.parametrize("reads", [[b""], [ANSWER[:20], b""], [b"no HTTP\r\n\r\n"]])
async def test_what_is_no_answer_is_an_error(sending: Sending, reads: list[bytes]) -> None:
    sending.scripts = [{"reads": [*reads]}]
    with pytest.raises(httpx.RemoteProtocolError):
        await sending.ask()
    assert sending.made[0].is_closed


async def test_a_body_that_ends_too_early_is_an_error(sending: Sending) -> None:
    sending.scripts = [{"reads": [ANSWER[:-2], b""]}]
    reply = await sending.ask()
    with pytest.raises(httpx.RemoteProtocolError, match="complete"):
        await sending.body(reply)
    await done(reply.close())
    assert sending.made[0].is_closed


async def test_a_loop_does_not_wait_for_ever_for_what_does_not_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_CLOSING_S", 0.01)
    transport = AsyncLineTransport(lambda: pytest.fail("no TLS"))
    never: Any = AsyncScripted(HERE, [])
    never.close = lambda: None
    transport.lines.use(never)
    await asyncio.wait_for(transport.close(), 5)


async def test_a_loop_looks_after_its_idle_connections_as_long_as_there_are_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "KEEPALIVE_S", 0.05)
    transport = AsyncLineTransport(lambda: pytest.fail("no TLS"))
    made = [AsyncScripted(HERE, []) for _ in range(3)]
    for each in made:
        transport.give(each)  # type: ignore[arg-type]  # it does as it is told
        await asyncio.sleep(0.04)
    for _ in range(100):
        if transport.lines.count == 0:
            break
        await asyncio.sleep(0.01)
    assert [each.is_closed for each in made] == [True] * 3
    await asyncio.sleep(0.06)
    assert transport._sweep_later is None
    await transport.close()
