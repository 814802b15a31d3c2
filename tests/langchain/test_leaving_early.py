"""Whoever stops listening leaves nothing behind: no connection, no task, no warning."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing

import pytest
from langchain_core.messages import AIMessageChunk

from portkey_langchain import ChatPortkey
from tests.support.recording import RecordingServer, deltas, events

SLOW = events(*deltas("1", "2")[:2], 30.0)


@pytest.fixture
def slow(server: RecordingServer) -> ChatPortkey:
    server.reply(SLOW)
    return ChatPortkey(
        model="claude-sonnet-4-5",
        base_url=server.base_url,
        provider="anthropic",
        api_format="chat_completions",
        max_retries=0,
    )


def test_break_closes_the_connection(slow: ChatPortkey, server: RecordingServer) -> None:
    for chunk in slow.stream("Hi"):
        assert chunk.text == "1"
        server.wait_until_open(1)
        break
    gc.collect()
    server.wait_until_open(0)


def refuse(chunk: AIMessageChunk) -> float:
    return len(chunk.text) / 0


def test_an_error_of_the_listener_closes_the_connection(slow: ChatPortkey, server: RecordingServer) -> None:
    with pytest.raises(ZeroDivisionError):
        list(map(refuse, slow.stream("Hi")))
    gc.collect()
    server.wait_until_open(0)


def test_a_closed_stream_closes_the_connection(slow: ChatPortkey, server: RecordingServer) -> None:
    async def listen() -> None:
        async with aclosing(slow.astream("Hi")) as chunks:  # type: ignore[type-var]  # typed as an iterator; it is a generator
            async for chunk in chunks:
                assert chunk.text == "1"
                break
        await asyncio.to_thread(server.wait_until_open, 0)

    asyncio.run(listen())


def test_break_from_an_async_stream_closes_the_connection(slow: ChatPortkey, server: RecordingServer) -> None:
    async def listen() -> None:
        async for chunk in slow.astream("Hi"):
            assert chunk.text == "1"
            break
        gc.collect()
        await asyncio.sleep(0.01)
        await asyncio.to_thread(server.wait_until_open, 0)

    asyncio.run(listen())


def test_a_cancelled_stream_closes_the_connection(slow: ChatPortkey, server: RecordingServer) -> None:
    async def listen() -> str:
        text = ""
        async for chunk in slow.astream("Hi"):
            text += chunk.text
        return text

    async def cancel() -> None:
        listening = asyncio.create_task(listen())
        await asyncio.to_thread(server.wait_until_open, 1)
        await asyncio.sleep(0.05)
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        await asyncio.to_thread(server.wait_until_open, 0)

    asyncio.run(cancel())


def test_a_timeout_around_invoke_closes_the_connection(slow: ChatPortkey, server: RecordingServer) -> None:
    async def ask() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await slow.ainvoke("Hi")
        await asyncio.to_thread(server.wait_until_open, 0)

    asyncio.run(ask())


def test_the_next_call_works_after_leaving_early(slow: ChatPortkey, server: RecordingServer) -> None:
    next(iter(slow.stream("Hi")))
    server.reply(events(*deltas("whole")))
    assert "".join(chunk.text for chunk in slow.stream("Hi")) == "whole"
