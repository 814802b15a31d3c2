"""Calls have a connection each while they run, and idle ones are kept for the next, closed in time, never shared."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
import traceback
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from portkey_gateway import APIConnectionError, GatewayClient, GatewayOptions
from portkey_gateway.http import connecting, connections, pool
from portkey_gateway.http.connecting import Place
from portkey_gateway.http.connections import MAX_IDLE, AsyncLineTransport, LineTransport
from portkey_gateway.http.network import AsyncLine, Line
from portkey_gateway.http.patience import Deadline, Patience
from portkey_gateway.http.pool import shared_async_client, shared_client
from tests.support.calls import HELLO
from tests.support.recording import RecordingServer, Reply, answer, deltas, events, whole

ADDRESSES = ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1"))


def client(server: RecordingServer, **more: Any) -> GatewayClient:
    options = GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions")
    settings: dict[str, Any] = {"max_retries": 0, "timeout_s": 5, **more}
    return GatewayClient(options, **settings)


async def lines() -> AsyncLineTransport:
    transport = await shared_async_client()
    assert isinstance(transport, AsyncLineTransport)
    return transport


@pytest.fixture
def own_client(monkeypatch: pytest.MonkeyPatch) -> LineTransport:
    """The transport of a client that no other test uses."""
    monkeypatch.setattr(pool, "_client", None)
    transport = shared_client()
    assert isinstance(transport, LineTransport)
    return transport


def test_a_burst_leaves_only_so_many_connections(server: RecordingServer) -> None:
    server.reply(whole(answer(), wait_s=0.3))
    calls = MAX_IDLE + 20

    async def burst() -> None:
        found = await asyncio.gather(*[client(server).achat(HELLO) for _ in range(calls)])
        assert [answered.text for answered in found] == ["Hello."] * calls
        assert (await lines()).lines.count == MAX_IDLE

    asyncio.run(burst())
    server.wait_until_open(0)


def test_one_call_after_another_uses_one_connection(server: RecordingServer) -> None:
    server.reply(whole(answer()))

    async def calls() -> int:
        for _ in range(5):
            await client(server).achat(HELLO)
        return (await lines()).lines.count

    assert asyncio.run(calls()) == 1
    assert server.accepted == 1


def test_idle_connections_of_a_loop_are_closed_in_time_though_nothing_is_called(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "KEEPALIVE_S", 0.05)
    server.reply(whole(answer(), wait_s=0.02))

    async def burst() -> None:
        await asyncio.gather(*[client(server).achat(HELLO) for _ in range(30)])
        await asyncio.to_thread(server.wait_until_open, 0)
        assert (await lines()).lines.count == 0

    asyncio.run(burst())


def test_a_loop_that_ends_while_idle_connections_are_closed_closes_them_all(server: RecordingServer) -> None:
    server.reply(whole(answer(), wait_s=0.2))

    async def burst() -> None:
        await asyncio.gather(*[client(server).achat(HELLO) for _ in range(20)])
        transport = await lines()
        for line in (idle := [line for kept in transport.lines._idle.values() for line in kept]):
            line.idle_since = 0.0
        assert len(idle) == 20
        transport._sweep()
        await asyncio.sleep(0)

    asyncio.run(burst())
    server.wait_until_open(0)


def test_idle_connections_of_threads_are_closed_with_the_next_call(
    server: RecordingServer, own_client: LineTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply(whole(answer(), wait_s=0.05))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: client(server).chat(HELLO), range(8)))
    assert own_client.lines.count > 1
    monkeypatch.setattr(connections, "KEEPALIVE_S", 0.0)

    client(server).chat(HELLO)

    server.wait_until_open(1)
    own_client.close()


@pytest.mark.parametrize("is_streamed", [False, True])
def test_cancelled_and_failed_calls_leave_nothing(server: RecordingServer, *, is_streamed: bool) -> None:
    server.reply(events(0.2, *deltas("Hel", "lo.")) if is_streamed else whole(answer(), wait_s=5))

    async def ask() -> None:
        if not is_streamed:
            await client(server).achat(HELLO)
            return
        async with client(server).astream(HELLO) as stream:
            async for _ in stream:
                pass

    async def cancelled() -> int:
        tasks = [asyncio.create_task(ask()) for _ in range(9)]
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(failure, asyncio.CancelledError) for failure in found)
        nowhere = GatewayClient(GatewayOptions(base_url="http://127.0.0.1:9/v1"), max_retries=0)
        await asyncio.gather(nowhere.achat(HELLO), return_exceptions=True)
        await asyncio.to_thread(server.wait_until_open, 0)
        return (await lines()).lines.count

    assert asyncio.run(cancelled()) == 0


def test_bytes_behind_an_answer_answer_nobody(server: RecordingServer) -> None:
    [_, body] = whole(answer("First.")).pieces
    [_, second] = whole(answer("Forged.")).pieces
    assert isinstance(body, bytes)
    assert isinstance(second, bytes)
    server.reply(Reply((body + second,)), whole(answer("Second.")))

    assert client(server).chat(HELLO).text == "First."
    assert client(server).chat(HELLO).text == "Second."
    assert server.accepted == 2


async def test_bytes_behind_an_answer_answer_nobody_in_a_loop_either(server: RecordingServer) -> None:
    [_, body] = whole(answer("First.")).pieces
    assert isinstance(body, bytes)
    server.reply(Reply((body + body,)), whole(answer("Second.")))

    async with httpx.AsyncClient(trust_env=False) as borrowed:
        for more in ({}, {"http_async_client": borrowed}):
            server.reply(Reply((body + body,)), whole(answer("Second.")))
            assert (await client(server, **more).achat(HELLO)).text == "First."
            assert (await client(server, **more).achat(HELLO)).text == "Second."


def test_bytes_behind_an_answer_answer_nobody_over_a_borrowed_client_either(server: RecordingServer) -> None:
    streamed = events(*deltas("First."))
    server.reply(Reply((*streamed.pieces[:-1], streamed.pieces[-1] + b"HTTP/1.1 200 OK\r\n")), whole(answer("Second.")))  # type: ignore[operator]  # bytes, as written here

    with httpx.Client(trust_env=False) as borrowed:
        asking = client(server, http_client=borrowed)
        with asking.stream(HELLO) as stream:
            list(stream)
        assert stream.answer.text == "First."
        assert asking.chat(HELLO).text == "Second."


@pytest.fixture(params=[pytest.param(True, id="poll"), pytest.param(False, id="select, as on Windows")])
def has_poll(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system with ``select.poll``, or one that has only ``select.select``."""
    if not request.param:
        monkeypatch.setattr(connecting, "select", SimpleNamespace(select=select.select))


@pytest.mark.usefixtures("has_poll")
@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_connection_that_ended_while_it_was_idle_costs_no_call(server: RecordingServer, then: Any) -> None:
    server.reply(Reply((*whole(answer()).pieces, 0.05), then=then), whole(answer()))
    client(server).chat(HELLO)
    server.wait_until_open(0)

    assert client(server).chat(HELLO).text == "Hello."
    assert len(server.requests) == 2


@pytest.mark.usefixtures("has_poll")
@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_connection_that_ended_while_it_was_idle_costs_no_call_in_a_loop_either(
    server: RecordingServer, then: Any
) -> None:
    server.reply(Reply((*whole(answer()).pieces, 0.05), then=then), whole(answer()))

    async def calls() -> None:
        await client(server).achat(HELLO)
        server.wait_until_open(0)  # in the loop, so that it has not seen the end
        assert (await client(server).achat(HELLO)).text == "Hello."

    asyncio.run(calls())
    assert len(server.requests) == 2


def test_a_loop_tries_the_next_address_where_one_does_not_answer(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply(whole(answer()))
    monkeypatch.setattr(connecting, "CONNECT_TIMEOUT_S", 0.1)

    async def calls() -> None:
        loop = asyncio.get_running_loop()
        create_connection = loop.create_connection
        tried: list[str] = []

        async def addresses(_host: str, port: int, **_: Any) -> list[Any]:
            return [(family, socket.SOCK_STREAM, 0, "", (host, port)) for family, host in ADDRESSES]

        async def connect(make: Any, host: str, port: int, **more: Any) -> Any:
            tried.append(host)
            if host == "::1":
                await asyncio.sleep(60)
            return await create_connection(make, host, port, **more)

        monkeypatch.setattr(loop, "getaddrinfo", addresses)
        monkeypatch.setattr(loop, "create_connection", connect)
        assert (await client(server).achat(HELLO)).text == "Hello."
        assert tried == ["::1", "127.0.0.1"]

    asyncio.run(calls())


def test_a_connection_that_cannot_be_written_to_is_replaced(
    server: RecordingServer, own_client: LineTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply(whole(answer()))
    client(server).chat(HELLO)
    [[line]] = own_client.lines._idle.values()
    line._within(None).shutdown(socket.SHUT_WR)
    # As if its end had come between the look at the socket and the first byte.
    monkeypatch.setattr(Line, "is_usable", True)

    assert client(server).chat(HELLO).text == "Hello."
    assert len(server.requests) == 2
    own_client.close()


def test_threads_never_close_a_connection_under_each_other(server: RecordingServer) -> None:
    """One thread after the other finds all connections idle, and its own answered, at the same moment."""
    server.reply(whole(answer()))
    together = threading.Barrier(16)

    def work(_: int) -> None:
        for _ in range(40):
            together.wait()
            client(server).chat(HELLO)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(16)))
    assert len(server.requests) == 640
    assert server.accepted <= 16 + 1


async def test_a_stream_read_to_its_end_keeps_its_connection_also_if_nobody_closes_the_iterator(
    server: RecordingServer,
) -> None:
    server.reply(events(*deltas("Hel", "lo.")))

    async def texts() -> AsyncGenerator[str]:
        async with client(server).astream(HELLO) as stream:
            async for delta in stream:
                yield delta.text

    for _ in range(3):
        assert "".join([text async for text in texts()]) == "Hello."
    assert server.accepted == 1


def test_a_proxy_in_the_environment_keeps_httpxs_own_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setattr(pool, "_client", None)

    assert isinstance(asyncio.run(shared_async_client()), httpx.AsyncClient)
    made = shared_client()
    assert isinstance(made, httpx.Client)
    made.close()


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://secret@127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_named(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setattr(pool, "_client", None)

    for ask in (client(server).chat, lambda request: asyncio.run(client(server).achat(request))):
        with pytest.raises(APIConnectionError, match="ALL_PROXY") as caught:
            ask(HELLO)
        assert not caught.value.is_retryable
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_certificates_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    monkeypatch.setattr(pool, "_client", None)
    pool.ssl_context.cache_clear()
    asking = GatewayClient(GatewayOptions(base_url="https://127.0.0.1:9/v1", provider="openai"))

    for ask in (asking.chat, lambda request: asyncio.run(asking.achat(request))):
        with pytest.raises(APIConnectionError, match=r"SSL_CERT_FILE=/nowhere/ca\.pem"):
            ask(HELLO)
    pool.ssl_context.cache_clear()


async def test_a_write_that_breaks_shows_nothing_of_the_request() -> None:
    place = Place("http", "gateway", 80, "gateway")
    line, async_line = Line(place), AsyncLine(place)
    async_line._transport = SimpleNamespace(is_closing=lambda: True, abort=lambda: None)

    async def write(line: Line | AsyncLine, patience: Patience) -> None:
        if (waiting := line.send(b"key: sk-1", b"sk-2", patience)) is not None:
            await waiting

    async def look(line: Line | AsyncLine, patience: Patience) -> None:
        with pytest.raises((httpx.WriteError, httpx.WriteTimeout)) as caught:
            await write(line, patience)
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert not [frame for frame in shown.stack if frame.filename != __file__ and "sk-" in str(frame.locals)]

    for total_s in (None, 0.0):
        await look(line, Patience(None, Deadline(total_s)))
        await look(async_line, Patience(None, Deadline(total_s)))
    async_line.close()
