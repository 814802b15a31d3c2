"""Streams left in the middle, also by the end of an event loop, leave nothing behind."""

import asyncio
import logging

import pytest

from portkey_gateway import AsyncAnswerStream, GatewayClient, GatewayOptions, InvalidResponseError, PortkeyError
from tests.support.calls import HELLO
from tests.support.recording import RecordingServer, deltas, events, whole


def test_a_loop_that_ends_in_the_middle_of_a_stream_closes_it_quietly(
    server: RecordingServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply(events(*deltas("Hel"), 5.0, *deltas("lo.")))
    client = GatewayClient(
        GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions")
    )
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
    client = GatewayClient(
        GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions")
    )
    stream = client.stream(HELLO)
    assert server.requests == []
    with stream:
        assert stream.info.status == 200
        assert "".join(delta.text for delta in stream) == "Hello."
        assert stream.answer.text == "Hello."
    assert len(server.requests) == 1


def test_a_broken_body_is_the_same_error_whole_and_where_a_stream_was_asked_for(server: RecordingServer) -> None:
    server.reply(whole({"choices": [{"message": {"content": "x", "tool_calls": [None]}}]}))
    client = GatewayClient(
        GatewayOptions(base_url=server.base_url, provider="anthropic", api_format="chat_completions")
    )
    with pytest.raises(InvalidResponseError) as of_whole:
        client.chat(HELLO)
    with pytest.raises(InvalidResponseError) as of_stream, client.stream(HELLO) as stream:
        list(stream)
    assert not of_whole.value.is_retryable
    assert not of_stream.value.is_retryable


def test_a_key_that_a_server_echoes_in_its_headers_stays_out_of_the_error(server: RecordingServer) -> None:
    options = GatewayOptions(
        base_url=server.base_url, provider="anthropic", api_format="chat_completions", provider_api_key="sk-ant-secret"
    )
    server.reply(whole(b"{}", status=401, headers={"x-request-id": "for sk-ant-secret"}))
    with pytest.raises(PortkeyError) as caught:
        GatewayClient(options).chat(HELLO)
    assert caught.value.request_id == "for [redacted]"
    assert "sk-ant-secret" not in str(caught.value)
