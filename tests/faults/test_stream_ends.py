"""How a stream ends: what makes an answer whole, and what never passes for one."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway import (
    GatewayClient,
    GatewayOptions,
    InvalidResponseError,
    StreamDecodeError,
    StreamProviderError,
    StreamTruncatedError,
)
from tests.support.calls import Ask, any_call, streamed_call, whole_call
from tests.support.recording import RecordingServer, event, whole
from tests.support.wires import CHAT_COMPLETIONS, MESSAGES, Wire


def client(server: RecordingServer, wire: Wire, **more: Any) -> GatewayClient:
    options = GatewayOptions(base_url=server.base_url, provider="anthropic", api_format=wire.api_format)
    return GatewayClient(options, timeout_s=5, max_retries=2, **more)


@streamed_call
@pytest.mark.parametrize("payload", [b"[DONE]", b"{}", b'{"choices": []}', b'{"type": "message_stop"}'])
def test_a_stream_that_says_nothing_is_no_answer(server: RecordingServer, wire: Wire, ask: Ask, payload: bytes) -> None:
    server.reply(wire.events(event(payload)))

    with pytest.raises(StreamTruncatedError):
        ask(client(server, wire))


@streamed_call
@pytest.mark.parametrize("told", ["Hello.", ""])
def test_whole_messages_in_the_place_of_deltas_are_no_answer(server: RecordingServer, ask: Ask, told: str) -> None:
    server.reply(CHAT_COMPLETIONS.events(event(CHAT_COMPLETIONS.answer(told))))

    with pytest.raises(StreamDecodeError, match="whole message"):
        ask(client(server, CHAT_COMPLETIONS))


@streamed_call
def test_a_message_beside_its_delta_is_no_fault(server: RecordingServer, ask: Ask) -> None:
    # So Perplexity tells it.
    chunks: list[dict[str, Any]] = [
        {"choices": [{"delta": {"content": text}, "message": {"content": "Hello."}, "finish_reason": reason}]}
        for text, reason in (("Hello.", None), ("", "stop"))
    ]
    server.reply(CHAT_COMPLETIONS.events(*map(event, chunks)))

    assert ask(client(server, CHAT_COMPLETIONS)).text == "Hello."


@whole_call
@pytest.mark.parametrize("reason", [{}, {"stop_reason": None}])
def test_a_message_without_a_stop_reason_is_not_whole(
    server: RecordingServer, ask: Ask, reason: dict[str, Any]
) -> None:
    server.reply(whole({"type": "message", "content": [{"type": "text", "text": "Hel"}], **reason}))

    with pytest.raises(InvalidResponseError, match="stop_reason"):
        ask(client(server, MESSAGES))


@streamed_call
@pytest.mark.parametrize("half", [b'data: {"choi', b'event: ping\ndata: {"type"', b"da", b"data: [DO"])
def test_half_an_event_behind_a_whole_answer_is_nothing(
    server: RecordingServer, wire: Wire, ask: Ask, half: bytes
) -> None:
    server.reply(wire.events(*wire.deltas("Hel", "lo."), half, end="nothing"))

    assert ask(client(server, wire)).text == "Hello."


@streamed_call
def test_half_an_event_before_the_end_of_the_answer_is_a_fault(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    *told, last = wire.deltas("Hel", "lo.")
    server.reply(wire.events(*told, last[: len(last) // 3], end="nothing"))

    with pytest.raises((StreamDecodeError, StreamTruncatedError)):
        ask(client(server, wire))


@streamed_call
def test_an_error_behind_the_reason_to_stop_is_an_error(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    error = event({"type": "error", "error": {"type": "api_error", "message": "No."}})
    server.reply(wire.events(*wire.deltas("Hel", "lo."), error))

    with pytest.raises(StreamProviderError, match="api_error"):
        ask(client(server, wire))


@streamed_call
def test_the_error_that_bedrock_tells_in_a_delta_is_one_behind_the_reason_to_stop_too(
    server: RecordingServer, ask: Ask
) -> None:
    error = event({"choices": [{"index": 1, "delta": {"finish_reason": "error"}}], "provider": "bedrock"})
    server.reply(CHAT_COMPLETIONS.events(*CHAT_COMPLETIONS.deltas("Hello."), error))

    with pytest.raises(StreamProviderError):
        ask(client(server, CHAT_COMPLETIONS))


@any_call
def test_a_date_that_no_clock_knows_is_no_obstacle(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    headers = {"retry-after": "Fri, 31 Dec 99999999999999999999 23:59:59 GMT"}
    server.reply(whole(b"{}", status=429, headers=headers), wire.success(ask))

    assert ask(client(server, wire)).text == "Hello."
