"""The tries of one call: what is read of a success and of a failure, what is tried again, and within which time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from portkey_gateway.errors import (
    APIConnectionError,
    APITimeoutError,
    BadRequestError,
    PortkeyError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from portkey_gateway.http import pool, transport
from portkey_gateway.http.asked_keys import AskedKeys
from portkey_gateway.http.body import Received
from portkey_gateway.http.call import Call
from portkey_gateway.http.retry import RetryPolicy
from portkey_gateway.http.stream_body import aiter_stream, iter_stream
from portkey_gateway.http.transport import is_success
from portkey_gateway.info import GatewayInfo
from portkey_gateway.keys import AskedKey
from tests.support.recording import RecordingServer, Reply, whole

Read = Callable[..., tuple[bytes, GatewayInfo]]
CUT = Reply((b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",), then="close")
LIMITED = whole(b"{}", status=429, headers={"retry-after": "0"})


class Ended:
    """What is known of the end of an answer."""

    is_whole = False
    has_ended = False


def _read(call: Call, client: Any = None) -> tuple[bytes, GatewayInfo]:
    return transport.read_response(client, call)


def _aread(call: Call, client: Any = None) -> tuple[bytes, GatewayInfo]:
    return asyncio.run(transport.aread_response(client, call))


def _stream(call: Call, client: Any = None) -> tuple[bytes, GatewayInfo]:
    received = transport.send(client, call)
    return b"".join(iter_stream(received, Ended())), received.info


def _astream(call: Call, client: Any = None) -> tuple[bytes, GatewayInfo]:
    async def read() -> tuple[bytes, GatewayInfo]:
        received = await transport.asend(client, call)
        return b"".join([data async for data in aiter_stream(received, Ended())]), received.info

    return asyncio.run(read())


every = pytest.mark.parametrize("read", [_read, _aread, _stream, _astream])
whole_ones = pytest.mark.parametrize("read", [_read, _aread])
streamed = pytest.mark.parametrize("read", [_stream, _astream])


def call(server: RecordingServer, **more: Any) -> Call:
    given = {"url": f"{server.base_url}/x", "headers": {"x-a": "1"}, "body": b"{}", "timeout_s": 5}
    return Call(**{**given, "retry": RetryPolicy(first_delay_s=0.01), **more})


@every
def test_what_is_sent_and_what_comes_back(server: RecordingServer, read: Read) -> None:
    server.reply(whole(b"all", status=246, headers={"x-portkey-trace-id": "t", "x-portkey-provider": "openai"}))
    content, info = read(call(server, method="PUT"))
    assert content == b"all"
    assert (info.status, info.trace_id, info.provider) == (246, "t", "openai")
    [request] = server.requests
    assert (request.method, request.path, request.body) == ("PUT", "/v1/x", b"{}")
    assert request.header("x-a") == "1"
    assert request.header("user-agent") == transport.OWN_HEADERS["user-agent"]


@every
def test_a_header_of_the_call_wins_over_our_own(server: RecordingServer, read: Read) -> None:
    read(call(server, headers={"user-agent": "mine"}))
    assert server.requests[0].header("user-agent") == "mine"


@every
def test_each_try_is_told_in_the_log_and_no_header(
    server: RecordingServer, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply(LIMITED, whole(b"ok"))
    with caplog.at_level(logging.DEBUG, "portkey_gateway.http.transport"):
        read(call(server))
    ours = [each.getMessage() for each in caplog.records if each.name == "portkey_gateway.http.transport"]
    assert ours == [f"POST {server.base_url}/x: 429", f"POST {server.base_url}/x: 200"]


@every
def test_what_may_pass_is_tried_again_as_often_as_said(server: RecordingServer, read: Read) -> None:
    server.reply(LIMITED, LIMITED, whole(b"at last"))
    assert read(call(server))[0] == b"at last"
    assert len(server.requests) == 3
    server.reply(LIMITED)
    with pytest.raises(RateLimitError):
        read(call(server))
    assert len(server.requests) == 6


@every
def test_what_will_not_pass_is_raised_at_once(server: RecordingServer, read: Read) -> None:
    server.reply(whole(b'{"error": "No."}', status=400))
    with pytest.raises(BadRequestError, match=r"No\.") as caught:
        read(call(server))
    assert caught.value.status == 400
    assert len(server.requests) == 1


@every
def test_keys_are_asked_for_before_each_try_and_shown_by_none(server: RecordingServer, read: Read) -> None:
    said = iter(["first-key-of-many-0", "second-key-of-many-0"])
    keys = AskedKeys({"api_key": AskedKey(lambda: next(said))})
    server.reply(LIMITED, whole(b'{"error": "not second-key-of-many-0, first-key-of-many-0"}', status=401))
    with pytest.raises(PortkeyError) as caught:
        read(call(server, keys=keys))
    sent = [request.header("x-portkey-api-key") for request in server.requests]
    assert sent == ["first-key-of-many-0", "second-key-of-many-0"]
    assert "not [redacted], [redacted]" in caught.value.message


@whole_ones
def test_a_whole_answer_that_breaks_off_is_a_failed_try(server: RecordingServer, read: Read) -> None:
    server.reply(CUT, whole(b"whole"))
    assert read(call(server, is_free=True))[0] == b"whole"
    server.reply(CUT)
    with pytest.raises(APIConnectionError, match="broke in the middle") as caught:
        read(call(server))
    assert len(server.requests) == 3
    assert caught.value.may_be_charged
    assert caught.value.status == 200
    assert isinstance(caught.value.__cause__, httpx.RemoteProtocolError)


@streamed
def test_a_stream_that_breaks_off_is_an_error_of_its_own(server: RecordingServer, read: Read) -> None:
    server.reply(CUT)
    with pytest.raises(StreamInterruptedError) as caught:
        read(call(server, is_free=True))
    assert len(server.requests) == 1
    assert isinstance(caught.value.__cause__, httpx.RemoteProtocolError)
    server.reply(Reply((b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", 30.0)))
    with pytest.raises(StreamTimeoutError, match="silent"):
        read(call(server, timeout_s=0.1))


@every
def test_a_wait_beyond_the_time_of_the_call_is_not_begun(server: RecordingServer, read: Read) -> None:
    server.reply(whole(b"{}", status=429, headers={"retry-after": "20"}), whole(b"late"))
    began = time.monotonic()
    with pytest.raises(RateLimitError):
        read(call(server, total_timeout_s=10))
    assert time.monotonic() - began < 5
    assert len(server.requests) == 1


@every
def test_the_time_of_the_call_holds_all_its_tries(server: RecordingServer, read: Read) -> None:
    server.reply(whole(b"ok", wait_s=30))
    retry = RetryPolicy(max_retries=50, first_delay_s=0.01, retry_unanswered=True)
    with pytest.raises(APITimeoutError) as caught:
        read(call(server, timeout_s=0.1, total_timeout_s=1.5, retry=retry))
    assert caught.value.is_retryable
    assert 2 <= len(server.requests) <= 16


@every
def test_an_error_whose_body_is_not_whole_is_still_that_error(server: RecordingServer, read: Read) -> None:
    server.reply(Reply((b"HTTP/1.1 500 No\r\ncontent-length: 99\r\n\r\nSuch a fault",), then="close"))
    with pytest.raises(ServerError, match="Such a fault; its body broke off"):
        read(call(server, retry=RetryPolicy(max_retries=0)))


@every
def test_of_an_error_no_more_is_read_than_its_beginning(
    server: RecordingServer, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_ERROR_BYTES", 10)
    server.reply(Reply((b"HTTP/1.1 400 No\r\ncontent-length: 99\r\n\r\n1234567890", 0.1, b"x", 30.0)))
    with pytest.raises(BadRequestError) as caught:
        read(call(server))
    assert "1234567890x" in caught.value.message
    server.wait_until_open(0)


@pytest.mark.parametrize("is_async", [False, True])
def test_reading_an_error_goes_on_as_long_as_there_is_room(monkeypatch: pytest.MonkeyPatch, *, is_async: bool) -> None:
    monkeypatch.setattr(transport, "MAX_ERROR_BYTES", 4)
    closed: list[bool] = []

    async def aiter_body(_: Any) -> Any:
        try:
            for piece in (b"ab", b"cd", b"e", b"f"):
                yield piece
        finally:
            closed.append(True)

    def iter_body(_: Any) -> Any:
        try:
            yield from (b"ab", b"cd", b"e", b"f")
        finally:
            closed.append(True)

    monkeypatch.setattr(transport, "aiter_body", aiter_body)
    monkeypatch.setattr(transport, "iter_body", iter_body)
    received: Received[Any] = Received(None, GatewayInfo(), None)  # type: ignore[arg-type]  # nobody looks
    read = asyncio.run(transport._aread_error(received)) if is_async else transport._read_error(received)
    assert read == (b"abcde", None)
    assert closed == [True]


@every
def test_an_environments_proxy_gets_the_whole_request(
    server: RecordingServer, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", server.base_url.removesuffix("/v1"))
    monkeypatch.setattr(pool, "_client", None)
    server.reply(whole(b"by proxy", headers={"connection": "close"}))
    asked = call(server, url="http://gateway.invalid/v1/x", body=b"my body", method="PUT")
    try:
        assert read(asked)[0] == b"by proxy"
        [request] = server.requests
        assert (request.method, request.path, request.body) == ("PUT", "http://gateway.invalid/v1/x", b"my body")
        assert request.header("x-a") == "1"
        assert request.header("user-agent") == transport.OWN_HEADERS["user-agent"]
        server.reply(whole(b"late", wait_s=30))
        with pytest.raises(APITimeoutError):
            read(call(server, url=asked.url, timeout_s=0.1, retry=RetryPolicy(max_retries=0)))
    finally:
        pool._close_client()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_borrowed_clients_redirects_are_not_followed_and_its_headers_sent(
    server: RecordingServer, *, is_async: bool
) -> None:
    server.reply(whole(b"", status=307, headers={"location": "/elsewhere", "connection": "close"}))
    own: dict[str, Any] = {"headers": {"x-own": "2", "x-a": "0"}, "follow_redirects": True, "trust_env": False}
    if is_async:

        async def aread() -> None:
            async with httpx.AsyncClient(**own) as client:
                await transport.aread_response(client, call(server, body=b"mine"))

        with pytest.raises(PortkeyError, match="redirect"):
            asyncio.run(aread())
    else:
        with httpx.Client(**own) as client, pytest.raises(PortkeyError, match="redirect"):
            transport.read_response(client, call(server, body=b"mine"))
    [request] = server.requests
    assert (request.header("x-own"), request.header("x-a"), request.body) == ("2", "1", b"mine")


@pytest.mark.parametrize(
    ("status", "is_one"), [(199, False), (200, True), (246, True), (299, True), (300, False), (404, False)]
)
def test_what_a_success_is(status: int, *, is_one: bool) -> None:
    assert is_success(status) is is_one
