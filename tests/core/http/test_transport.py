"""Connections: reused, given back, closed, whoever leaves early."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from typing import Any

import httpx
import pytest

from portkey_gateway import APITimeoutError, GatewayClient, GatewayOptions
from tests.support.calls import HELLO, Ask, any_call, astream_in_loop, chat, is_streamed, stream
from tests.support.recording import RecordingServer, answer, deltas, events, whole

FOREVER = events(*deltas("Hel"), 30.0)


def client(server: RecordingServer, **more: Any) -> GatewayClient:
    options = GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions")
    settings: dict[str, Any] = {"timeout_s": 5, "max_retries": 0, **more}
    return GatewayClient(options, **settings)


def answer_any(server: RecordingServer, ask: Ask, headers: Mapping[str, str] | None = None) -> None:
    streamed = events(*deltas("Hel", "lo."), headers=headers)
    server.reply(streamed if is_streamed(ask) else whole(answer(), headers=headers))


@pytest.mark.parametrize("ask", [chat, stream])
def test_calls_one_after_another_use_one_connection(server: RecordingServer, ask: Ask) -> None:
    answer_any(server, ask)
    asking = client(server)

    assert {ask(asking).text for _ in range(120)} == {"Hello."}
    assert server.accepted == 1


@pytest.mark.parametrize("streamed", [False, True])
async def test_async_calls_one_after_another_use_one_connection(server: RecordingServer, streamed: bool) -> None:
    server.reply(events(*deltas("Hel", "lo.")) if streamed else whole(answer()))
    asking = client(server)

    for _ in range(120):
        found = await (astream_in_loop(asking) if streamed else asking.achat(HELLO))
        assert found.text == "Hello."
    assert server.accepted == 1


def test_clients_of_one_process_share_their_connections(server: RecordingServer) -> None:
    server.reply(whole(answer()))

    for _ in range(5):
        client(server).chat(HELLO)
    assert server.accepted == 1


@any_call
def test_failed_calls_give_their_connection_back(server: RecordingServer, ask: Ask) -> None:
    retry = {"retry-after": "0"}
    server.reply(*[whole(b"{}", status=429, headers=retry)] * 5, events(*deltas("Hello.")))

    if is_streamed(ask):
        assert ask(client(server, max_retries=5)).text == "Hello."
        assert server.accepted == 1


def test_a_stream_left_early_is_closed(server: RecordingServer) -> None:
    server.reply(FOREVER)

    with client(server).stream(HELLO) as streamed:
        for delta in streamed:
            assert delta.text == "Hel"
            break
    server.wait_until_open(0)


def test_a_stream_never_read_is_closed(server: RecordingServer) -> None:
    server.reply(FOREVER)

    with client(server).stream(HELLO):
        server.wait_until_open(1)
    server.wait_until_open(0)


def test_a_stream_is_closed_when_the_callers_code_fails(server: RecordingServer) -> None:
    server.reply(FOREVER)

    with pytest.raises(ZeroDivisionError), client(server).stream(HELLO) as streamed:
        [1 / 0 for _ in streamed]
    server.wait_until_open(0)


def test_a_generator_around_a_stream_closes_it(server: RecordingServer) -> None:
    server.reply(FOREVER)

    def texts() -> Generator[str]:
        with client(server).stream(HELLO) as streamed:
            for delta in streamed:
                yield delta.text

    with closing(texts()) as generator:
        assert next(generator) == "Hel"
    server.wait_until_open(0)


async def test_an_async_stream_left_early_is_closed(server: RecordingServer) -> None:
    server.reply(FOREVER)

    async with client(server).astream(HELLO) as streamed:
        async for delta in streamed:
            assert delta.text == "Hel"
            break
    await asyncio.to_thread(server.wait_until_open, 0)


async def test_an_async_generator_around_a_stream_closes_it(server: RecordingServer) -> None:
    server.reply(FOREVER)

    async def texts() -> AsyncGenerator[str]:
        async with client(server).astream(HELLO) as streamed:
            async for delta in streamed:
                yield delta.text

    async with aclosing(texts()) as generator:
        assert await anext(generator) == "Hel"
    await asyncio.to_thread(server.wait_until_open, 0)


def test_a_loop_that_ends_closes_what_nobody_closed(server: RecordingServer) -> None:
    server.reply(FOREVER)
    left_open = []

    async def leave() -> None:
        streaming = client(server).astream(HELLO)
        left_open.append(streaming)
        async for _ in await streaming.__aenter__():
            break

    asyncio.run(leave())
    server.wait_until_open(0)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_cancelled_task_closes_its_connection(server: RecordingServer, streamed: bool) -> None:
    server.reply(FOREVER if streamed else whole(answer(), wait_s=30))
    asking = client(server)
    task = asyncio.create_task(astream_in_loop(asking) if streamed else asking.achat(HELLO))
    await asyncio.to_thread(server.wait_until_asked, 1)
    await asyncio.sleep(0.05)  # let the first delta arrive

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(server.wait_until_open, 0)
    server.reply(whole(answer()))
    assert (await asking.achat(HELLO)).text == "Hello."


async def test_cancelling_the_wait_before_a_retry_ends_it(server: RecordingServer) -> None:
    server.reply(whole(b"{}", status=429, headers={"retry-after": "30"}))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client(server, max_retries=3).achat(HELLO), 0.2)
    assert len(server.requests) == 1


def test_a_full_pool_is_a_timeout(server: RecordingServer) -> None:
    server.reply(FOREVER)
    with httpx.Client(limits=httpx.Limits(max_connections=1), trust_env=False) as borrowed:
        asking = client(server, http_client=borrowed, timeout_s=0.1)
        with asking.stream(HELLO), pytest.raises(APITimeoutError, match="PoolTimeout"):
            asking.chat(HELLO)


def test_a_stream_that_is_dropped_leaves_no_warning(server: RecordingServer) -> None:
    server.reply(FOREVER)
    streaming = client(server).stream(HELLO)
    iterator = iter(streaming.__enter__())
    next(iterator)

    del iterator, streaming
    gc.collect()
    server.wait_until_open(0)
