"""A stream that nobody reads on gives its connection back, whoever still holds on to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager, LlamaDebugHandler
from llama_index.core.llms import ChatMessage

from portkey_llamaindex import Portkey
from tests.support.recording import RecordingServer, deltas, events

SYNC = pytest.mark.parametrize("way", ["stream_chat", "stream_complete"])
ASYNC = pytest.mark.parametrize("way", ["astream_chat", "astream_complete"])


@pytest.fixture
def endless(recorded: Portkey, server: RecordingServer) -> Portkey:
    """Says something, then nothing for a long time; a handler keeps every event, and what hangs on it."""
    server.reply(events(*deltas("Hel", "lo")[:2], 60.0))
    return recorded.with_options(callback_manager=CallbackManager([LlamaDebugHandler(print_trace_on_end=False)]))


def start(llm: Portkey, way: str) -> Any:
    return getattr(llm, way)("Hi" if "complete" in way else [ChatMessage("Hi")])


async def wait_until_closed(server: RecordingServer) -> None:
    await asyncio.to_thread(server.wait_until_open, 0)


@SYNC
def test_closing_a_stream_closes_its_connection(endless: Portkey, server: RecordingServer, way: str) -> None:
    responses = start(endless, way)
    assert next(responses).delta == "Hel"
    server.wait_until_open(1)
    responses.close()
    server.wait_until_open(0)


@SYNC
def test_leaving_the_loop_closes_the_connection(endless: Portkey, server: RecordingServer, way: str) -> None:
    for response in start(endless, way):
        assert response.delta == "Hel"
        break
    server.wait_until_open(0)


@SYNC
def test_a_stream_that_is_never_read_opens_no_connection(endless: Portkey, server: RecordingServer, way: str) -> None:
    start(endless, way).close()
    assert server.accepted == 0


@ASYNC
async def test_closing_an_async_stream_closes_its_connection(
    endless: Portkey, server: RecordingServer, way: str
) -> None:
    responses = await start(endless, way)
    assert (await anext(responses)).delta == "Hel"
    await responses.aclose()
    await wait_until_closed(server)


@ASYNC
async def test_leaving_the_async_loop_closes_the_connection(
    endless: Portkey, server: RecordingServer, way: str
) -> None:
    async for response in await start(endless, way):
        assert response.delta == "Hel"
        break
    await wait_until_closed(server)


@ASYNC
async def test_cancelling_the_reader_closes_the_connection(endless: Portkey, server: RecordingServer, way: str) -> None:
    waiting = asyncio.Event()

    async def read(responses: AsyncGenerator[Any, None]) -> None:
        async for response in responses:
            if response.delta == "lo":
                waiting.set()

    task = asyncio.create_task(read(await start(endless, way)))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until_closed(server)


async def test_cancelling_a_whole_call_closes_the_connection(recorded: Portkey, server: RecordingServer) -> None:
    server.reply(events(60.0))
    task = asyncio.create_task(recorded.achat([ChatMessage("Hi")]))
    await asyncio.to_thread(server.wait_until_asked, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until_closed(server)


def test_streams_one_after_another_share_a_connection(recorded: Portkey, server: RecordingServer) -> None:
    server.reply(events(*deltas("Hello")))
    for _ in range(5):
        assert list(recorded.stream_chat([ChatMessage("Hi")]))[-1].message.content == "Hello"
    assert server.accepted == 1
    assert len(server.requests) == 5


async def test_async_streams_one_after_another_share_a_connection(recorded: Portkey, server: RecordingServer) -> None:
    server.reply(events(*deltas("Hello")))
    for _ in range(5):
        responses = [response async for response in await recorded.astream_chat([ChatMessage("Hi")])]
        assert responses[-1].message.content == "Hello"
    assert server.accepted == 1
