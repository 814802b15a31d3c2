"""The network between us and the gateway breaks: refused, silent, cut, reset."""

from __future__ import annotations

import socket
import time
from typing import Any

import httpx
import pytest

from portkey_gateway import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    GatewayClient,
    GatewayOptions,
    PortkeyStatusError,
    ServerError,
    StreamInterruptedError,
    StreamTimeoutError,
    StreamTruncatedError,
)
from portkey_gateway.http.borrowed import timeouts
from portkey_gateway.http.connecting import CONNECT_TIMEOUT_S
from portkey_gateway.http.patience import Deadline, Patience
from tests.support.calls import HELLO, Ask, any_call, is_streamed, streamed_call
from tests.support.recording import RecordingServer, Reply, whole
from tests.support.wires import Wire

CUT_BODY = Reply((b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{",), then="close")


def client(
    base_url: str, wire: Wire, *, timeout_s: float | None = 5, max_retries: int = 0, **more: Any
) -> GatewayClient:
    options = GatewayOptions(base_url=base_url, provider="anthropic", trace_id="trace-1", api_format=wire.api_format)
    return GatewayClient(options, timeout_s=timeout_s, max_retries=max_retries, **more)


@any_call
def test_a_refused_connection_names_the_address(closed_port: int, any_wire: Wire, ask: Ask) -> None:
    base_url = f"http://127.0.0.1:{closed_port}/v1"

    with pytest.raises(APIConnectionError, match=f"cannot reach {base_url}{any_wire.path}: ") as caught:
        ask(client(base_url, any_wire), any_wire.request)

    assert caught.value.is_retryable
    assert caught.value.status is None
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


@any_call
def test_an_address_that_is_none_is_told_at_once(wire: Wire, ask: Ask) -> None:
    with pytest.raises(APIConnectionError, match="is base_url right") as caught:
        ask(client("http://ex\u2044ample/v1", wire, max_retries=5))

    assert not caught.value.is_retryable


@any_call
def test_silence_before_the_answer_is_a_timeout(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(whole(wire.answer(), wait_s=30))

    with pytest.raises(APITimeoutError, match=r"within timeout=0\.1 s \(ReadTimeout\)") as caught:
        ask(client(server.base_url, wire, timeout_s=0.1))

    assert not isinstance(caught.value, StreamTimeoutError)
    server.wait_until_open(0)


@any_call
def test_connecting_has_a_limit_of_its_own(wire: Wire, ask: Ask) -> None:
    # A full backlog leaves further connections without an answer, as an unreachable host does.
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as deaf,
        socket.create_connection(deaf.getsockname()),
        pytest.raises(APITimeoutError, match="ConnectTimeout"),
    ):
        ask(client(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", wire, timeout_s=0.2))


@any_call
def test_connecting_to_many_addresses_ends_with_the_whole_time(
    wire: Wire, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, socket.create_connection(deaf.getsockname()):
        port = deaf.getsockname()[1]
        look_up = socket.getaddrinfo

        def found(host: str, *rest: Any, **options: Any) -> Any:
            return look_up("127.0.0.1" if host == "many.test" else host, *rest, **options) * 8

        monkeypatch.setattr(socket, "getaddrinfo", found)
        begun = time.monotonic()
        with pytest.raises(APITimeoutError, match=r"within total_timeout=0\.5 s \(ConnectTimeout\)"):
            ask(client(f"http://many.test:{port}/v1", wire, timeout_s=0.3, total_timeout_s=0.5, max_retries=0))
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("timeout_s", "connect_s"), [(600.0, CONNECT_TIMEOUT_S), (3.0, 3.0), (None, CONNECT_TIMEOUT_S)]
)
def test_the_limit_of_connecting_follows_the_shorter(timeout_s: float | None, connect_s: float) -> None:
    assert timeouts(Patience(timeout_s, Deadline(None))) == {
        "connect": connect_s,
        "read": timeout_s,
        "write": timeout_s,
        "pool": timeout_s,
    }


@any_call
def test_without_a_timeout_a_slow_answer_is_awaited(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(wire.events(0.2, *wire.deltas("Hello.")) if is_streamed(ask) else whole(wire.answer(), wait_s=0.2))

    assert ask(client(server.base_url, wire, timeout_s=None)).text == "Hello."


@any_call
def test_the_timeout_counts_silence_and_not_the_whole_call(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    first, second, last = wire.deltas("Hel", "lo.")
    [_, full] = whole(wire.answer()).pieces
    assert isinstance(full, bytes)
    slow = Reply((full[:-60], 0.2, full[-60:-40], 0.2, full[-40:-20], 0.2, full[-20:]))
    server.reply(wire.events(first, 0.2, second, 0.2, last, 0.2) if is_streamed(ask) else slow)

    assert ask(client(server.base_url, wire, timeout_s=0.5)).text == "Hello."


@streamed_call
def test_a_stream_that_falls_silent_is_a_stream_timeout(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(wire.events(*wire.deltas("Hel")[:-1], 30.0, headers={"request-id": "req_5"}))

    with pytest.raises(StreamTimeoutError) as caught:
        ask(client(server.base_url, wire, timeout_s=0.2, max_retries=3))

    assert isinstance(caught.value, APITimeoutError)
    assert (caught.value.status, caught.value.request_id, caught.value.trace_id) == (200, "req_5", "trace-1")
    assert len(server.requests) == 1
    server.wait_until_open(0)


@streamed_call
@pytest.mark.parametrize("end", ["cut", "reset"])
def test_a_stream_that_breaks_is_interrupted_and_not_begun_again(
    server: RecordingServer, wire: Wire, ask: Ask, end: Any
) -> None:
    broken = wire.deltas("Hel")[:-1]
    server.reply(wire.events(*broken, 0.05, end=end, headers={"x-portkey-provider": "anthropic"}))

    with pytest.raises(StreamInterruptedError) as caught:
        ask(client(server.base_url, wire, max_retries=3))

    assert isinstance(caught.value, APIConnectionError)
    assert (caught.value.status, caught.value.provider, caught.value.trace_id) == (200, "anthropic", "trace-1")
    assert isinstance(caught.value.__cause__, httpx.TransportError)
    assert len(server.requests) == 1


@streamed_call
@pytest.mark.parametrize("sent", [1, 2])
def test_a_stream_that_just_ends_is_truncated(server: RecordingServer, wire: Wire, ask: Ask, sent: int) -> None:
    server.reply(wire.events(*wire.deltas("Hel", "lo.")[:sent], end="nothing"))

    with pytest.raises(StreamTruncatedError) as caught:
        ask(client(server.base_url, wire, max_retries=3))

    assert (caught.value.status, caught.value.trace_id) == (200, "trace-1")
    assert len(server.requests) == 1


@streamed_call
def test_a_whole_answer_to_a_stream_request_breaks_like_a_stream(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(CUT_BODY)

    with pytest.raises(StreamInterruptedError):
        ask(client(server.base_url, wire))


@any_call
def test_an_answer_that_always_breaks_is_given_up(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(Reply((b"this is no HTTP\r\n\r\n",), then="close"))

    with pytest.raises(APIConnectionError, match="cannot reach") as caught:
        ask(client(server.base_url, wire, max_retries=2))

    assert isinstance(caught.value.__cause__, httpx.RemoteProtocolError)
    assert len(server.requests) == 1


@any_call
@pytest.mark.parametrize(("status", "error_class"), [(401, AuthenticationError), (500, ServerError)])
def test_an_error_whose_body_breaks_off_is_still_that_error(
    server: RecordingServer, wire: Wire, ask: Ask, status: int, error_class: type[PortkeyStatusError]
) -> None:
    head = f"HTTP/1.1 {status} No\r\ncontent-length: 500\r\n\r\n".encode()
    server.reply(Reply((head + b"No such key",), then="close"))

    with pytest.raises(error_class, match="No such key; its body broke off") as caught:
        ask(client(server.base_url, wire, max_retries=2 if status == 401 else 0))

    assert caught.value.status == status
    assert len(server.requests) == 1


@any_call
def test_a_connection_the_server_closed_meanwhile_costs_nothing(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(Reply(wire.success(ask).pieces, then="close"))
    asking = client(server.base_url, wire)

    for _ in range(2):
        assert ask(asking).text == "Hello."
        server.wait_until_open(0)


async def test_what_is_received_before_a_break_stays_at_hand(server: RecordingServer, wire: Wire) -> None:
    server.reply(wire.events(*wire.deltas("Hel", "lo")[:-1], 0.05, end="cut"))
    async with client(server.base_url, wire).astream(HELLO) as stream:
        with pytest.raises(StreamInterruptedError):
            [delta async for delta in stream]

    assert stream.answer.text == "Hello"


@any_call
def test_a_borrowed_client_that_follows_redirects_carries_nothing_elsewhere(
    server: RecordingServer, wire: Wire, ask: Ask
) -> None:
    following: Any = {"follow_redirects": True, "trust_env": False}

    with RecordingServer() as elsewhere, httpx.Client(**following) as sync_client:
        server.reply(
            whole(
                b"", status=307, headers={"location": f"{elsewhere.base_url}/chat/completions", "connection": "close"}
            )
        )
        borrowed: Any = {"http_client": sync_client, "http_async_client": httpx.AsyncClient(**following)}
        with pytest.raises(PortkeyStatusError, match="no redirect is followed"):
            ask(client(server.base_url, wire, max_retries=3, **borrowed))

        assert elsewhere.requests == []
    assert len(server.requests) == 1
