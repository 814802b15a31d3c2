"""A connection of a thread and one of an event loop: what both promise of sending, reading, waiting and closing."""

from __future__ import annotations

import asyncio
import socket
import threading
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from portkey_gateway.http.connecting import Place
from portkey_gateway.http.network import AsyncLine, Line
from portkey_gateway.http.patience import Patience
from tests.core.http.lines import FOR_EVER, OVER, SOON_S, Ends, done, no_context, seconds

# --- sending --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 256 * 1024, 256 * 1024 + 1, 3_000_001])
async def test_a_request_arrives_whole_whatever_its_size(ends: Ends, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    hearing = asyncio.create_task(ends.hears(4 + size))
    await asyncio.sleep(0)
    sending = done(ends.line.send(b"head", body, seconds(SOON_S)))
    if isinstance(ends.line, Line):
        await asyncio.to_thread(asyncio.run, sending)
    else:
        await sending
    assert await hearing == b"head" + body
    assert ends.line.has_written is True


async def test_a_small_body_leaves_in_one_piece_with_its_head(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[bytes] = []

    def write(data: memoryview) -> int:
        left.append(bytes(data))
        return len(data)

    line = make(80)
    double = SimpleNamespace(
        send=write, write=write, settimeout=lambda _: None, is_closing=lambda: False, close=lambda: None
    )
    monkeypatch.setattr(line, "_socket" if isinstance(line, Line) else "_transport", double)
    for size in (64 * 1024, 64 * 1024 + 1, 600 * 1024):
        await done(line.send(b"head", b"b" * size, FOR_EVER))
    assert [len(each) for each in left] == [
        4 + 64 * 1024,
        *(4, 64 * 1024 + 1),
        *(4, 256 * 1024, 256 * 1024, 88 * 1024),
    ]  # fmt: skip
    monkeypatch.undo()


async def test_nobody_waits_longer_than_his_patience_for_one_who_does_not_listen(ends: Ends) -> None:
    with pytest.raises(httpx.WriteTimeout):
        await done(ends.line.send(b"head", b"x" * 50_000_000, seconds(0.05)))
    assert ends.line.has_written is True


async def test_without_time_nothing_is_sent(make: Any, listener: socket.socket) -> None:
    line = make(listener.getsockname()[1])
    await done(line.connect(FOR_EVER, no_context))
    with pytest.raises(httpx.WriteTimeout, match="the time is up"):
        await done(line.send(b"head", b"", OVER))
    assert line.has_written is False


async def test_a_request_over_a_closed_connection_is_not_sent(ends: Ends) -> None:
    await done(ends.line.send(b"first", b"", FOR_EVER))
    ends.line.close()
    await asyncio.sleep(0)
    with pytest.raises(httpx.WriteError, match="the connection is closed"):
        await done(ends.line.send(b"second", b"", FOR_EVER))
    assert ends.line.has_written is False
    assert await ends.hears(100) == b"first"


async def test_a_connection_that_breaks_amid_a_request_says_so(ends: Ends) -> None:
    async def send() -> None:
        await done(ends.line.send(b"head", b"x" * 50_000_000, seconds(SOON_S)))

    if isinstance(ends.line, Line):
        sending = asyncio.create_task(asyncio.to_thread(asyncio.run, send()))
    else:
        sending = asyncio.create_task(send())
    assert (await asyncio.to_thread(ends.peer.recv, 4)) == b"head"
    ends.reset()
    with pytest.raises(httpx.WriteError) as caught:
        await sending
    assert str(caught.value)
    assert ends.line.has_written is True


# --- reading --------------------------------------------------------------------------------------------------------


async def test_what_came_is_read_once_and_in_order(ends: Ends) -> None:
    await ends.says(b"one ")
    assert await done(ends.line.read(FOR_EVER)) == b"one "
    ends.peer.sendall(b"two ")
    await asyncio.sleep(0.02)
    ends.peer.sendall(b"three")
    await asyncio.sleep(0.02)
    assert await done(ends.line.read(FOR_EVER)) == b"two three"
    ends.peer.close()
    assert await done(ends.line.read(seconds(SOON_S))) == b""
    assert await done(ends.line.read(seconds(SOON_S))) == b""


async def test_what_came_before_the_end_is_read_before_it(ends: Ends) -> None:
    ends.peer.sendall(b"the last")
    ends.peer.close()
    await asyncio.sleep(0.02)
    assert ends.line.is_usable is False
    assert await done(ends.line.read(FOR_EVER)) == b"the last"
    assert await done(ends.line.read(FOR_EVER)) == b""


async def test_a_connection_that_is_reset_is_a_read_error(ends: Ends) -> None:
    ends.reset()
    with pytest.raises(httpx.ReadError, match="reset by peer") as caught:
        await done(ends.line.read(seconds(SOON_S)))
    assert isinstance(caught.value.__cause__, ConnectionResetError)


async def test_silence_is_a_read_timeout_and_the_next_wait_has_its_own_time(ends: Ends) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(httpx.ReadTimeout):
        await done(ends.line.read(seconds(0.1)))
    assert 0.09 <= loop.time() - began < SOON_S
    with pytest.raises(httpx.ReadTimeout, match="the time is up"):
        await done(ends.line.read(OVER))
    await ends.says(b"late")
    assert await done(ends.line.read(seconds(SOON_S))) == b"late"


async def test_a_shorter_patience_holds_although_a_longer_one_came_before(ends: Ends) -> None:
    await answered(ends, seconds(60))
    with pytest.raises(httpx.ReadTimeout):
        await asyncio.wait_for(done(ends.line.read(seconds(0.05))), SOON_S)


async def test_a_longer_patience_holds_although_a_shorter_one_came_before(ends: Ends) -> None:
    await answered(ends, seconds(0.4))
    await answered(ends, seconds(SOON_S), after_s=0.6)
    with pytest.raises(httpx.ReadTimeout):
        await done(ends.line.read(seconds(0.05)))


async def test_the_time_of_one_call_is_not_that_of_the_next(ends: Ends) -> None:
    await answered(ends, seconds(0.4))
    if isinstance(ends.line, AsyncLine):
        ends.line.rest()
    await answered(ends, FOR_EVER, after_s=0.6)


async def answered(ends: Ends, patience: Patience, after_s: float = 0.02) -> None:
    """Wait with some patience for what comes a moment later."""
    answering = threading.Timer(after_s, ends.peer.sendall, [b"soon"])
    answering.start()
    try:
        assert await done(ends.line.read(patience)) == b"soon"
    finally:
        answering.join()


async def test_who_does_not_read_lets_the_other_end_wait(ends: Ends) -> None:
    size = 30_000_000
    sending = threading.Thread(target=ends.peer.sendall, args=[b"x" * size])
    sending.start()
    await asyncio.sleep(0.2)
    if isinstance(ends.line, AsyncLine):
        assert 0 < ends.line._size < 1_000_000
    assert sending.is_alive()
    came = 0
    while came < size:
        came += len(await done(ends.line.read(seconds(SOON_S))))
    sending.join()
    assert came == size


# --- idle, and closed -----------------------------------------------------------------------------------------------


async def test_an_idle_connection_that_says_something_carries_no_call(ends: Ends) -> None:
    assert ends.line.is_usable is True
    await ends.says(b"unasked")
    assert ends.line.is_usable is False


async def test_an_idle_connection_that_ended_carries_no_call(ends: Ends) -> None:
    ends.peer.close()
    assert ends.line.is_usable is False  # at once, although no loop has heard of it
    await asyncio.sleep(0.02)
    assert ends.line.is_usable is False


async def test_what_was_never_connected_carries_no_call_and_can_be_closed(make: Any) -> None:
    line = make(80)
    assert line.is_usable is False
    line.close()
    line.close()
    assert line.is_usable is False


async def test_closing_tells_the_other_end_and_may_be_done_twice(ends: Ends) -> None:
    ends.line.close()
    ends.line.close()
    assert ends.line.is_usable is False
    await asyncio.sleep(0.02)
    assert await ends.hears(1) == b""
    if isinstance(ends.line, AsyncLine):
        assert ends.line.closed.done()


async def test_what_is_closed_while_it_is_being_made_is_not_kept_open(listener: socket.socket) -> None:
    line = AsyncLine(Place("http", "127.0.0.1", listener.getsockname()[1], "127.0.0.1"))
    line.close()
    await asyncio.get_running_loop().create_connection(lambda: line, *listener.getsockname())
    with listener.accept()[0] as peer:
        await asyncio.sleep(0.02)
        peer.settimeout(SOON_S)
        assert await asyncio.to_thread(peer.recv, 1) == b""


@pytest.mark.parametrize("make", [AsyncLine], indirect=True)
async def test_who_waits_hears_of_the_close(ends: Ends) -> None:
    reading = asyncio.create_task(done(ends.line.read(FOR_EVER)))
    await asyncio.sleep(0)
    ends.line.close()
    assert await asyncio.wait_for(reading, SOON_S) == b""


async def test_what_came_stays_though_more_comes_over_another_connection() -> None:
    lines = [AsyncLine(Place("http", "127.0.0.1", 1, "127.0.0.1")) for _ in range(2)]
    for line, came in zip(lines, (b"first", b"the other"), strict=True):
        room = line.get_buffer(-1)
        room[: len(came)] = came
        line.buffer_updated(len(came))
    assert [await line.read(FOR_EVER) for line in lines] == [b"first", b"the other"]


async def test_loops_of_other_threads_have_room_of_their_own() -> None:
    line = AsyncLine(Place("http", "127.0.0.1", 1, "127.0.0.1"))
    line.get_buffer(-1)[:4] = b"mine"

    def elsewhere() -> None:
        line.get_buffer(-1)[:5] = b"yours"

    await asyncio.to_thread(elsewhere)
    line.buffer_updated(4)
    assert await line.read(FOR_EVER) == b"mine"
