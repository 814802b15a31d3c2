"""Which failed calls are sent again: never one that may have been charged, unless it is wanted."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from portkey_gateway import APIConnectionError, APITimeoutError, GatewayClient, GatewayOptions, PortkeyError
from tests.support.calls import Ask, any_call, streamed_call, whole_call
from tests.support.recording import RecordingServer, Reply, whole
from tests.support.wires import Wire

BEGUN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"
AT_ONCE = {"retry-after-ms": "0"}


def client(base_url: str, wire: Wire, **more: Any) -> GatewayClient:
    options = GatewayOptions(base_url=base_url, provider="anthropic", api_format=wire.api_format)
    return GatewayClient(options, **{"timeout_s": 5, "max_retries": 2, **more})


@any_call
@pytest.mark.parametrize("how", ["silence", "close", "reset", "half a head", "nonsense"])
@pytest.mark.parametrize("retry_unanswered", [False, True])
def test_what_was_sent_and_got_no_answer_is_sent_again_only_if_wanted(
    server: RecordingServer, wire: Wire, ask: Ask, *, how: str, retry_unanswered: bool
) -> None:
    broken = {
        "silence": Reply((30.0,)),
        "close": Reply((), then="close"),
        "reset": Reply((), then="reset"),
        "half a head": Reply((b"HTTP/1.1 2",), then="close"),
        "nonsense": Reply((b"this is no HTTP\r\n\r\n",), then="close"),
    }[how]
    server.reply(broken, wire.success(ask))
    asking = client(server.base_url, wire, retry_unanswered=retry_unanswered, timeout_s=0.3)

    if retry_unanswered:
        assert ask(asking).text == "Hello."
        assert len(server.requests) == 2
        first, second = (request.header("idempotency-key") for request in server.requests)
        assert first == second
    else:
        with pytest.raises(APITimeoutError if how == "silence" else APIConnectionError, match="charged") as caught:
            ask(asking)
        assert caught.value.may_be_charged
        assert caught.value.is_retryable
        assert len(server.requests) == 1
        assert "idempotency-key" not in server.requests[0].headers


@whole_call
@pytest.mark.parametrize("retry_unanswered", [False, True])
def test_a_whole_answer_that_breaks_off_is_asked_for_again_only_if_wanted(
    server: RecordingServer, wire: Wire, ask: Ask, *, retry_unanswered: bool
) -> None:
    server.reply(Reply((BEGUN,), then="close"), whole(wire.answer()))
    asking = client(server.base_url, wire, retry_unanswered=retry_unanswered)

    if retry_unanswered:
        assert ask(asking).text == "Hello."
    else:
        with pytest.raises(APIConnectionError, match=r"in the middle of the answer.*charged"):
            ask(asking)
    assert len(server.requests) == 1 + retry_unanswered


@streamed_call
def test_a_stream_that_broke_off_is_not_begun_again_even_if_wanted(
    server: RecordingServer, wire: Wire, ask: Ask
) -> None:
    server.reply(wire.events(*wire.deltas("Hel")[:-1], end="cut"))

    with pytest.raises(APIConnectionError):
        ask(client(server.base_url, wire, retry_unanswered=True))
    assert len(server.requests) == 1


@any_call
@pytest.mark.parametrize("status", [408, 504, 524])
@pytest.mark.parametrize("told", [None, "true", "false"])
@pytest.mark.parametrize("retry_unanswered", [False, True])
def test_a_server_that_waited_in_vain_is_asked_again_only_if_it_or_the_user_says_so(
    server: RecordingServer, wire: Wire, ask: Ask, *, status: int, told: str | None, retry_unanswered: bool
) -> None:
    headers = {**AT_ONCE, **({"x-should-retry": told} if told else {})}
    server.reply(whole(b"{}", status=status, headers=headers), wire.success(ask))
    asking = client(server.base_url, wire, retry_unanswered=retry_unanswered)

    if told == "true" or (told is None and retry_unanswered):
        assert ask(asking).text == "Hello."
    else:
        with pytest.raises(PortkeyError) as caught:
            ask(asking)
        assert caught.value.may_be_charged
        assert ("retry_unanswered" in str(caught.value)) == (told is None)


@any_call
@pytest.mark.parametrize(
    ("cause", "tries"),
    [
        ("Error: connect ECONNREFUSED 127.0.0.1:9", 2),
        ("Error: getaddrinfo EAI_AGAIN api.anthropic.com", 2),
        ("ConnectTimeoutError: Connect Timeout Error", 2),
        ("Error: read ECONNRESET", 1),
        ("SocketError: other side closed", 1),
    ],
)
def test_what_the_gateway_says_of_its_own_request_decides(
    server: RecordingServer, wire: Wire, ask: Ask, cause: str, tries: int
) -> None:
    # As 1.15.2 tells it, in both formats.
    said = (
        f'Invalid response received from anthropic: {{"html-message":"Message: fetch failed Cause: {cause} Name: T"}}'
    )
    failure = whole({"error": {"message": said}, "provider": "anthropic"}, status=500, headers=AT_ONCE)
    server.reply(failure, wire.success(ask))

    if tries == 2:
        assert ask(client(server.base_url, wire)).text == "Hello."
    else:
        with pytest.raises(PortkeyError, match="retry_unanswered"):
            ask(client(server.base_url, wire))
    assert len(server.requests) == tries


@any_call
@pytest.mark.parametrize("told", ["true", "false"])
def test_what_a_server_says_of_trying_again_counts(server: RecordingServer, wire: Wire, ask: Ask, told: str) -> None:
    status = 400 if told == "true" else 503
    server.reply(whole(b"{}", status=status, headers={**AT_ONCE, "x-should-retry": told}), wire.success(ask))

    if told == "true":
        assert ask(client(server.base_url, wire)).text == "Hello."
    else:
        with pytest.raises(PortkeyError):
            ask(client(server.base_url, wire))
    assert len(server.requests) == (2 if told == "true" else 1)


@any_call
def test_a_refused_connection_is_tried_again(wire: Wire, ask: Ask) -> None:
    with RecordingServer() as server:
        server.reply(wire.success(ask))
        base_url = server.base_url
        assert ask(client(base_url, wire)).text == "Hello."
    with pytest.raises(APIConnectionError, match="is base_url right") as caught:
        ask(client(base_url, wire, max_retries=0))
    assert not caught.value.may_be_charged
    assert caught.value.is_retryable


@pytest.mark.parametrize("retry_unanswered", [False, True])
def test_what_costs_nothing_is_asked_again(server: RecordingServer, *, retry_unanswered: bool) -> None:
    server.reply(Reply((), then="reset"), whole({"data": [{"id": "a"}]}))
    options = GatewayOptions(base_url=server.base_url, provider="openai")

    listed = GatewayClient(options, max_retries=1, retry_unanswered=retry_unanswered).models()

    assert [model.id for model in listed] == ["a"]
    server.reply(Reply((), then="reset"), whole({"input_tokens": 3}))
    claude = GatewayOptions(base_url=server.base_url, provider="anthropic")
    request: Any = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hi"}]}
    assert GatewayClient(claude, max_retries=1, retry_unanswered=retry_unanswered).count_tokens(request) == 3


def test_the_wait_before_a_try_ends_with_the_call(server: RecordingServer) -> None:
    server.reply(whole(b"{}", status=429, headers={"retry-after": "30"}))
    options = GatewayOptions(base_url=server.base_url, provider="anthropic")

    with pytest.raises(PortkeyError, match="429"):
        GatewayClient(options, total_timeout_s=1).chat({"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
    assert len(server.requests) == 1


@any_call
def test_connecting_has_a_share_of_the_whole_time(wire: Wire, ask: Ask) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as deaf,
        socket.create_connection(deaf.getsockname()),
        pytest.raises(APITimeoutError, match=r"total_timeout=0\.3 s"),
    ):
        ask(client(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", wire, total_timeout_s=0.3))
