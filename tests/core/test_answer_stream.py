"""Streams left in the middle, also by the end of an event loop, leave nothing behind."""

import asyncio
import logging

import pytest

from portkey_gateway import AsyncAnswerStream, GatewayClient, GatewayOptions
from tests.support.calls import HELLO
from tests.support.recording import RecordingServer, deltas, events


def test_a_loop_that_ends_in_the_middle_of_a_stream_closes_it_quietly(
    server: RecordingServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply(events(*deltas("Hel"), 5.0, *deltas("lo.")))
    client = GatewayClient(GatewayOptions(base_url=server.base_url, provider="anthropic"))
    left: list[AsyncAnswerStream] = []

    async def leave() -> str:
        stream = await client.astream(HELLO).__aenter__()
        left.append(stream)  # nobody leaves its context
        return (await anext(aiter(stream))).text

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(leave()) == "Hel"
    server.wait_until_open(0)
    assert caplog.text == ""


def test_entering_asks_once_and_only_then(server: RecordingServer) -> None:
    server.reply(events(*deltas("Hello.")))
    client = GatewayClient(GatewayOptions(base_url=server.base_url, provider="anthropic"))
    stream = client.stream(HELLO)
    assert server.requests == []
    with stream:
        assert stream.info.status == 200
        assert "".join(delta.text for delta in stream) == "Hello."
        assert stream.answer.text == "Hello."
    assert len(server.requests) == 1
