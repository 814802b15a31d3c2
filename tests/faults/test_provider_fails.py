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
    HTMLResponseError,
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
    StreamDecodeError,
    StreamError,
    StreamProviderError,
    StreamTimeoutError,
    StreamTruncatedError,
)
from portkey_gateway.sandbox import Fault, Sandbox
from tests.support.calls import Ask, any_call, streamed_call, whole_call
from tests.support.recording import RecordingServer, Reply
from tests.support.wires import CHAT_COMPLETIONS, MESSAGES, PROXIED, Wire

TEXT = "Grüße aus Zürich: 日本語, 🦜."


def client(
    sandbox: Sandbox,
    wire: Wire,
    *,
    timeout_s: float = 5,
    max_retries: int = 0,
    retry_unanswered: bool = False,
    **options: Any,
) -> GatewayClient:
    fields: dict[str, Any] = {**sandbox.options(), "trace_id": "trace-1", "api_format": wire.api_format, **options}
    return GatewayClient(
        GatewayOptions(**fields), timeout_s=timeout_s, max_retries=max_retries, retry_unanswered=retry_unanswered
    )


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
    sandbox: Sandbox, any_wire: Wire, *, ask: Ask, status: int, error_class: type[PortkeyStatusError], error_type: str
) -> None:
    sandbox.claude.inject(Fault(kind="status", status=status, message="Not today."))

    with pytest.raises(PortkeyStatusError, match="Not today") as caught:
        ask(client(sandbox, any_wire), any_wire.request)

    [seen] = sandbox.claude.requests
    error = caught.value
    assert type(error) is error_class
    assert (error.status, error.provider, error.trace_id) == (status, "anthropic", "trace-1")
    assert error.request_id == seen.request_id
    assert error.body["error"]["type"] == error_type
    assert all(fact in str(error) for fact in (error_type, str(status), seen.request_id, "trace-1"))


@any_call
def test_a_prompt_that_is_too_long_is_told_from_other_bad_requests(sandbox: Sandbox, any_wire: Wire, ask: Ask) -> None:
    message = "prompt is too long: 210000 tokens > 200000 maximum"
    sandbox.claude.inject(Fault(kind="status", status=400, message=message))

    with pytest.raises(ContextOverflowError, match="210000 tokens"):
        ask(client(sandbox, any_wire), any_wire.request)


@any_call
def test_retry_after_is_honoured_and_the_retries_are_counted(sandbox: Sandbox, any_wire: Wire, ask: Ask) -> None:
    sandbox.claude.inject(Fault(kind="status", status=429, headers={"retry-after": "1"}, times=9))
    begun = time.monotonic()

    with pytest.raises(RateLimitError) as caught:
        ask(client(sandbox, any_wire, max_retries=1), any_wire.request)

    assert 1 <= time.monotonic() - begun < 5
    assert len(sandbox.claude.requests) == 2
    assert caught.value.info is not None
    assert caught.value.info.retry_after_s == 1


@any_call
@pytest.mark.parametrize("status", [429, 500, 529])
def test_the_answer_after_a_transient_failure_counts(sandbox: Sandbox, any_wire: Wire, ask: Ask, status: int) -> None:
    sandbox.claude.reply_with(TEXT)
    sandbox.claude.inject(Fault(kind="status", status=status, headers={"retry-after": "0"}, times=2))

    assert ask(client(sandbox, any_wire, max_retries=2), any_wire.request).text == TEXT
    assert [request.status for request in sandbox.claude.requests] == [status, status, 200]


@streamed_call
@pytest.mark.parametrize("after", [1, 4])
@pytest.mark.parametrize(("status", "error_type"), [(529, "overloaded_error"), (500, "api_error")])
def test_an_error_in_the_middle_of_a_stream(
    sandbox: Sandbox, any_wire: Wire, *, ask: Ask, after: int, status: int, error_type: str
) -> None:
    sandbox.claude.inject(Fault(kind="error_mid_stream", status=status, after=after))

    with pytest.raises(StreamProviderError, match=error_type) as caught:
        ask(client(sandbox, any_wire, max_retries=2), any_wire.request)

    [seen] = sandbox.claude.requests
    error = caught.value
    assert (error.error_type, error.is_retryable) == (error_type, True)
    assert (error.status, error.provider, error.trace_id) == (200, "anthropic", "trace-1")
    assert error.request_id == seen.request_id
    if any_wire is CHAT_COMPLETIONS:
        assert error.body["choices"][0]["finish_reason"] == error_type
    else:
        assert error.body["error"] == {"type": error_type, "message": "Overloaded"}
        assert error.message.endswith(f"{error_type}: Overloaded")


@streamed_call
@pytest.mark.parametrize("after", [0, 4])
@pytest.mark.parametrize("kind", ["cut", "truncate", "garbage_event", "broken_json"])
def test_a_stream_that_ends_early_never_passes_for_whole(
    sandbox: Sandbox, any_wire: Wire, ask: Ask, kind: Any, after: int
) -> None:
    sandbox.claude.inject(Fault(kind=kind, after=after))

    # What is no JSON the gateway swallows where it translates: a stream of chat completions then just ends.
    passes_on = any_wire is not CHAT_COMPLETIONS and kind in {"garbage_event", "broken_json"}
    with pytest.raises(StreamDecodeError if passes_on else StreamTruncatedError) as caught:
        ask(client(sandbox, any_wire, max_retries=2), any_wire.request)

    [seen] = sandbox.claude.requests
    assert (caught.value.status, caught.value.provider, caught.value.trace_id) == (200, "anthropic", "trace-1")
    assert caught.value.request_id == seen.request_id


@whole_call
@pytest.mark.parametrize("kind", ["cut", "truncate", "garbage_event", "broken_json"])
def test_a_whole_answer_that_the_gateway_cannot_read_is_its_failure(
    sandbox: Sandbox, wire: Wire, ask: Ask, kind: Any
) -> None:
    sandbox.claude.inject(Fault(kind=kind))

    with pytest.raises(GatewayFailureError, match="Something went wrong") as caught:
        ask(client(sandbox, wire), wire.request)

    assert (caught.value.status, caught.value.trace_id) == (500, "trace-1")
    assert caught.value.body == {"status": "failure", "message": "Something went wrong"}
    assert caught.value.is_retryable


@whole_call
@pytest.mark.parametrize(
    ("kind", "error_class"),
    [
        ("cut", StreamTruncatedError),
        ("truncate", StreamTruncatedError),
        ("garbage_event", StreamDecodeError),
        ("broken_json", StreamDecodeError),
    ],
)
def test_half_an_answer_on_the_proxied_way_is_no_answer_and_the_gateway_lives(
    sandbox: Sandbox, ask: Ask, kind: Any, error_class: type[PortkeyError]
) -> None:
    """It is asked for as a stream: of half a whole one the open-source gateway 1.15.2 dies."""
    sandbox.claude.inject(Fault(kind=kind))

    with pytest.raises(error_class) as caught:
        ask(client(sandbox, PROXIED), PROXIED.request)

    [seen] = sandbox.claude.requests
    assert (caught.value.status, caught.value.provider, caught.value.trace_id) == (200, "anthropic", "trace-1")
    assert caught.value.request_id == seen.request_id
    sandbox.claude.reply_with(TEXT)
    assert ask(client(sandbox, PROXIED), PROXIED.request).text == TEXT


@whole_call
@pytest.mark.parametrize("retry_unanswered", [False, True])
def test_a_whole_answer_that_broke_was_paid_for_and_is_asked_for_again_only_if_wanted(
    sandbox: Sandbox, wire: Wire, ask: Ask, *, retry_unanswered: bool
) -> None:
    sandbox.claude.inject(Fault(kind="cut"))
    sandbox.claude.reply_with(TEXT, times=2)
    asking = client(sandbox, wire, max_retries=1, retry_unanswered=retry_unanswered)

    if retry_unanswered:
        assert ask(asking, wire.request).text == TEXT
        assert len(sandbox.claude.requests) == 2
    else:
        with pytest.raises(ServerError, match="retry_unanswered") as caught:
            ask(asking, wire.request)
        assert caught.value.may_be_charged
        assert len(sandbox.claude.requests) == 1


@whole_call
def test_a_web_page_instead_of_an_answer(sandbox: Sandbox, any_wire: Wire, ask: Ask) -> None:
    sandbox.claude.inject(Fault(kind="html"))
    passed_on = any_wire is PROXIED

    with pytest.raises(HTMLResponseError if passed_on else ErrorInBodyError) as caught:
        ask(client(sandbox, any_wire, max_retries=2), any_wire.request)

    assert "Bad gateway" in str(caught.value.body)
    assert (caught.value.status, caught.value.provider, caught.value.trace_id) == (200, "anthropic", "trace-1")
    assert len(sandbox.claude.requests) == 1


@streamed_call
def test_a_web_page_instead_of_a_stream(sandbox: Sandbox, any_wire: Wire, ask: Ask) -> None:
    sandbox.claude.inject(Fault(kind="html"))

    with pytest.raises(NotJSONError) as caught:
        ask(client(sandbox, any_wire, max_retries=2), any_wire.request)

    assert (caught.value.status, caught.value.trace_id) == (200, "trace-1")
    # Of the page itself the gateway passes nothing on where it translates.
    assert isinstance(caught.value, HTMLResponseError) == (any_wire is not CHAT_COMPLETIONS)


@any_call
def test_a_claude_that_falls_silent(sandbox: Sandbox, any_wire: Wire, ask: Ask) -> None:
    sandbox.claude.inject(Fault(kind="stall", seconds=5))

    with pytest.raises(APITimeoutError) as caught:
        ask(client(sandbox, any_wire, timeout_s=0.3), any_wire.request)

    is_stream_error = isinstance(caught.value, StreamError)
    assert is_stream_error == isinstance(caught.value, StreamTimeoutError)
    if is_stream_error:
        [seen] = sandbox.claude.requests
        assert (caught.value.request_id, caught.value.trace_id) == (seen.request_id, "trace-1")


@any_call
def test_the_gateways_own_timeout(sandbox: Sandbox, server: RecordingServer, any_wire: Wire, ask: Ask) -> None:
    server.reply(Reply((5.0,), then="close"))  # it waits for response headers only, and Claude's come at once

    with pytest.raises(RequestTimeoutError) as caught:
        ask(client(sandbox, any_wire, request_timeout=100, custom_host=server.base_url), any_wire.request)

    assert (caught.value.status, caught.value.trace_id) == (408, "trace-1")
    assert caught.value.is_retryable


@any_call
def test_a_claude_that_cannot_be_reached(sandbox: Sandbox, server: RecordingServer, any_wire: Wire, ask: Ask) -> None:
    server.reply(Reply((), then="reset"))

    with pytest.raises(PortkeyError) as caught:
        ask(client(sandbox, any_wire, custom_host=server.base_url), any_wire.request)

    assert isinstance(caught.value, ServerError)
    assert caught.value.trace_id == "trace-1"


@any_call
@pytest.mark.parametrize("fault", [Fault(kind="slow", seconds=0.02), Fault(kind="split_bytes", size=5)])
def test_slow_and_split_answers_are_whole(sandbox: Sandbox, any_wire: Wire, ask: Ask, fault: Fault) -> None:
    sandbox.claude.reply_with(TEXT)
    sandbox.claude.inject(fault)

    found = ask(client(sandbox, any_wire, timeout_s=2), any_wire.request)

    assert found.text == TEXT
    assert found.finish_reason == "stop"


@any_call
def test_a_request_the_gateway_itself_refuses(sandbox: Sandbox, wire: Wire, ask: Ask) -> None:
    with pytest.raises(BadRequestError, match="provider") as caught:
        ask(client(sandbox, wire, provider="no-such-provider"), wire.request)

    assert caught.value.trace_id == "trace-1"
    assert sandbox.claude.requests == []


@any_call
def test_a_provider_that_is_not_served_so_is_told_with_the_remedy_and_not_asked_again(
    sandbox: Sandbox, ask: Ask
) -> None:
    with pytest.raises(
        GatewayFailureError, match="messages is not supported by openai; pass api_format='chat_"
    ) as caught:
        ask(client(sandbox, MESSAGES, provider="openai", max_retries=5))

    assert not caught.value.is_retryable
    assert (caught.value.status, caught.value.trace_id) == (500, "trace-1")
