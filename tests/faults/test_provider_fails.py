"""Claude fails behind the real gateway: what the gateway makes of it, and what we make of that."""

from __future__ import annotations

import time
from typing import Any

import pytest

from portkey_gateway import (
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ContextOverflowError,
    ErrorInBodyError,
    GatewayClient,
    GatewayFailureError,
    GatewayOptions,
    NotFoundError,
    NotJSONError,
    OverloadedError,
    PermissionDeniedError,
    PortkeyError,
    PortkeyStatusError,
    RateLimitError,
    RequestTimeoutError,
    RequestTooLargeError,
    ServerError,
    StreamError,
    StreamProviderError,
    StreamTimeoutError,
    StreamTruncatedError,
)
from portkey_gateway.sandbox import Fault, Sandbox
from tests.support.calls import Ask, any_call, streamed_call, whole_call
from tests.support.recording import RecordingServer, Reply

TEXT = "Grüße aus Zürich: 日本語, 🦜."


def client(sandbox: Sandbox, *, timeout_s: float = 5, max_retries: int = 0, **options: Any) -> GatewayClient:
    fields: dict[str, Any] = {**sandbox.options(), "trace_id": "trace-1", **options}
    return GatewayClient(GatewayOptions(**fields), timeout_s=timeout_s, max_retries=max_retries)


@any_call
@pytest.mark.parametrize(
    ("status", "error_class", "error_type"),
    [
        (400, BadRequestError, "invalid_request_error"),
        (401, AuthenticationError, "authentication_error"),
        (402, PortkeyStatusError, "billing_error"),
        (403, PermissionDeniedError, "permission_error"),
        (404, NotFoundError, "not_found_error"),
        (408, RequestTimeoutError, "api_error"),
        (413, RequestTooLargeError, "request_too_large"),
        (429, RateLimitError, "rate_limit_error"),
        (500, ServerError, "api_error"),
        (504, ServerError, "timeout_error"),
        (529, OverloadedError, "overloaded_error"),
    ],
)
def test_each_status_of_claudes_has_its_class(
    sandbox: Sandbox, ask: Ask, status: int, error_class: type[PortkeyStatusError], error_type: str
) -> None:
    sandbox.claude.inject(Fault(kind="status", status=status, message="Not today."))

    with pytest.raises(PortkeyStatusError, match="Not today") as caught:
        ask(client(sandbox))

    [seen] = sandbox.claude.requests
    error = caught.value
    assert type(error) is error_class
    assert (error.status, error.provider, error.trace_id) == (status, "anthropic", "trace-1")
    assert error.request_id == seen.request_id
    assert error.body["error"]["type"] == error_type
    assert all(fact in str(error) for fact in (error_type, str(status), seen.request_id, "trace-1"))


@any_call
def test_a_prompt_that_is_too_long_is_told_from_other_bad_requests(sandbox: Sandbox, ask: Ask) -> None:
    message = "prompt is too long: 210000 tokens > 200000 maximum"
    sandbox.claude.inject(Fault(kind="status", status=400, message=message))

    with pytest.raises(ContextOverflowError, match="210000 tokens"):
        ask(client(sandbox))


@any_call
def test_retry_after_is_honoured_and_the_retries_are_counted(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.claude.inject(Fault(kind="status", status=429, headers={"retry-after": "1"}, times=9))
    begun = time.monotonic()

    with pytest.raises(RateLimitError) as caught:
        ask(client(sandbox, max_retries=1))

    assert 1 <= time.monotonic() - begun < 5
    assert len(sandbox.claude.requests) == 2
    assert caught.value.info is not None
    assert caught.value.info.retry_after_s == 1


@any_call
@pytest.mark.parametrize("status", [429, 500, 529])
def test_the_answer_after_a_transient_failure_counts(sandbox: Sandbox, ask: Ask, status: int) -> None:
    sandbox.claude.reply_with(TEXT)
    sandbox.claude.inject(Fault(kind="status", status=status, headers={"retry-after": "0"}, times=2))

    assert ask(client(sandbox, max_retries=2)).text == TEXT
    assert [request.status for request in sandbox.claude.requests] == [status, status, 200]


@streamed_call
@pytest.mark.parametrize("after", [1, 4])
@pytest.mark.parametrize(("status", "error_type"), [(529, "overloaded_error"), (500, "api_error")])
def test_an_error_in_the_middle_of_a_stream(
    sandbox: Sandbox, ask: Ask, after: int, status: int, error_type: str
) -> None:
    sandbox.claude.inject(Fault(kind="error_mid_stream", status=status, after=after))

    with pytest.raises(StreamProviderError, match=error_type) as caught:
        ask(client(sandbox, max_retries=2))

    [seen] = sandbox.claude.requests
    error = caught.value
    assert (error.error_type, error.is_retryable) == (error_type, True)
    assert (error.status, error.provider, error.trace_id) == (200, "anthropic", "trace-1")
    assert error.request_id == seen.request_id
    assert error.body["choices"][0]["finish_reason"] == error_type


@streamed_call
@pytest.mark.parametrize("after", [0, 4])
@pytest.mark.parametrize("kind", ["cut", "truncate", "garbage_event", "broken_json"])
def test_a_stream_that_ends_early_never_passes_for_whole(sandbox: Sandbox, ask: Ask, kind: Any, after: int) -> None:
    sandbox.claude.inject(Fault(kind=kind, after=after))

    with pytest.raises(StreamTruncatedError) as caught:
        ask(client(sandbox, max_retries=2))

    [seen] = sandbox.claude.requests
    assert (caught.value.status, caught.value.provider, caught.value.trace_id) == (200, "anthropic", "trace-1")
    assert caught.value.request_id == seen.request_id


@whole_call
@pytest.mark.parametrize("kind", ["cut", "truncate", "garbage_event", "broken_json"])
def test_a_whole_answer_that_the_gateway_cannot_read_is_its_failure(sandbox: Sandbox, ask: Ask, kind: Any) -> None:
    sandbox.claude.inject(Fault(kind=kind))

    with pytest.raises(GatewayFailureError, match="Something went wrong") as caught:
        ask(client(sandbox))

    assert (caught.value.status, caught.value.trace_id) == (500, "trace-1")
    assert caught.value.body == {"status": "failure", "message": "Something went wrong"}
    assert caught.value.is_retryable


@whole_call
def test_a_whole_answer_that_broke_is_asked_for_again(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.claude.inject(Fault(kind="cut"))
    sandbox.claude.reply_with(TEXT, times=2)

    assert ask(client(sandbox, max_retries=1)).text == TEXT
    assert len(sandbox.claude.requests) == 2


@whole_call
def test_a_web_page_instead_of_an_answer(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.claude.inject(Fault(kind="html"))

    with pytest.raises(ErrorInBodyError, match="Bad gateway") as caught:
        ask(client(sandbox, max_retries=2))

    assert (caught.value.status, caught.value.provider, caught.value.trace_id) == (200, "anthropic", "trace-1")
    assert len(sandbox.claude.requests) == 1


@streamed_call
def test_a_web_page_instead_of_a_stream(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.claude.inject(Fault(kind="html"))

    with pytest.raises(NotJSONError) as caught:  # of the page itself the gateway passes nothing on
        ask(client(sandbox, max_retries=2))

    assert (caught.value.status, caught.value.trace_id) == (200, "trace-1")


@any_call
def test_a_claude_that_falls_silent(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.claude.inject(Fault(kind="stall", seconds=5))

    with pytest.raises(APITimeoutError) as caught:
        ask(client(sandbox, timeout_s=0.3))

    is_stream_error = isinstance(caught.value, StreamError)
    assert is_stream_error == isinstance(caught.value, StreamTimeoutError)
    if is_stream_error:
        [seen] = sandbox.claude.requests
        assert (caught.value.request_id, caught.value.trace_id) == (seen.request_id, "trace-1")


@any_call
def test_the_gateways_own_timeout(sandbox: Sandbox, server: RecordingServer, ask: Ask) -> None:
    server.reply(Reply((5.0,), then="close"))  # it waits for response headers only, and Claude's come at once

    with pytest.raises(RequestTimeoutError) as caught:
        ask(client(sandbox, request_timeout=100, custom_host=server.base_url))

    assert (caught.value.status, caught.value.trace_id) == (408, "trace-1")
    assert caught.value.is_retryable


@any_call
def test_a_claude_that_cannot_be_reached(sandbox: Sandbox, server: RecordingServer, ask: Ask) -> None:
    server.reply(Reply((), then="reset"))

    with pytest.raises(PortkeyError) as caught:
        ask(client(sandbox, custom_host=server.base_url))

    assert isinstance(caught.value, ServerError)
    assert caught.value.trace_id == "trace-1"


@any_call
@pytest.mark.parametrize("fault", [Fault(kind="slow", seconds=0.02), Fault(kind="split_bytes", size=5)])
def test_slow_and_split_answers_are_whole(sandbox: Sandbox, ask: Ask, fault: Fault) -> None:
    sandbox.claude.reply_with(TEXT)
    sandbox.claude.inject(fault)

    found = ask(client(sandbox, timeout_s=2))

    assert found.text == TEXT
    assert found.finish_reason == "stop"


@any_call
def test_a_request_the_gateway_itself_refuses(sandbox: Sandbox, ask: Ask) -> None:
    with pytest.raises(BadRequestError, match="provider") as caught:
        ask(client(sandbox, provider="no-such-provider"))

    assert caught.value.trace_id == "trace-1"
    assert sandbox.claude.requests == []
