"""Answers that the open-source gateway never gives: the hosted one's own statuses, proxies, wrong addresses."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from portkey_gateway import (
    BudgetExceededError,
    ConflictError,
    ErrorInBodyError,
    GatewayClient,
    GatewayFailureError,
    GatewayOptions,
    GuardrailDeniedError,
    HTMLResponseError,
    InvalidResponseError,
    NotJSONError,
    PortkeyError,
    PortkeyStatusError,
    RateLimitError,
    ServerError,
    StreamDecodeError,
    StreamTruncatedError,
    UnprocessableEntityError,
)
from tests.support.calls import Ask, any_call, is_streamed, streamed_call, whole_call
from tests.support.recording import RecordingServer, event, whole
from tests.support.wires import CHAT_COMPLETIONS, Wire

HOOKS = {"before_request_hooks": [{"verdict": False, "id": "no-secrets"}], "after_request_hooks": [{"verdict": True}]}
HTML = b"<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>"
RETRY_AT_ONCE = {"retry-after-ms": "0"}


def client(server: RecordingServer, wire: Wire, *, max_retries: int = 0, **options: Any) -> GatewayClient:
    fields: dict[str, Any] = {"base_url": server.base_url, "provider": "anthropic", "trace_id": "trace-1"} | options
    fields["api_format"] = wire.api_format
    return GatewayClient(GatewayOptions(**fields), timeout_s=5, max_retries=max_retries)


@whole_call
def test_246_is_an_answer_with_the_failed_checks(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(whole(wire.answer("Fine.", hook_results=HOOKS), status=246))

    found = ask(client(server, wire))

    assert found.text == "Fine."
    assert found.info.status == 246
    assert found.hook_results == HOOKS


@streamed_call
def test_246_is_an_answer_in_a_stream_too_with_its_checks_after_the_end_mark(
    server: RecordingServer, wire: Wire, ask: Ask
) -> None:
    late = wire.end_mark + event({"hook_results": HOOKS})
    server.reply(wire.events(*wire.deltas("Fi", "ne."), late, status=246, end="nothing"))

    found = ask(client(server, wire))

    assert found.text == "Fine."
    assert found.info.status == 246
    assert found.hook_results == HOOKS


@any_call
@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (302, PortkeyStatusError),
        (405, PortkeyStatusError),
        (409, ConflictError),
        (412, BudgetExceededError),
        (422, UnprocessableEntityError),
        (446, GuardrailDeniedError),
        (502, ServerError),
    ],
)
def test_each_status_has_its_class(
    server: RecordingServer, wire: Wire, ask: Ask, status: int, error_class: type[PortkeyStatusError]
) -> None:
    body = {"error": {"message": "No.", "type": "why"}, "hook_results": HOOKS}
    headers = {"request-id": "req_7", "x-portkey-trace-id": "trace-9", "x-portkey-provider": "anthropic"}
    server.reply(whole(body, status=status, headers=headers))

    with pytest.raises(PortkeyStatusError) as caught:
        ask(client(server, wire))

    error = caught.value
    assert type(error) is error_class
    assert (error.status, error.request_id, error.trace_id, error.provider) == (status, "req_7", "trace-9", "anthropic")
    assert error.body == body
    assert error.message.partition(";")[0] == "why: No."
    if isinstance(error, GuardrailDeniedError):
        assert error.hook_results == HOOKS


@any_call
def test_a_redirect_is_told_and_not_followed(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(whole(b"", status=307, headers={"location": f"{server.base_url}/elsewhere"}))

    with pytest.raises(PortkeyStatusError, match=r"HTTP 307 without a body; no redirect is followed") as caught:
        ask(client(server, wire, max_retries=2))

    assert caught.value.status == 307
    assert not caught.value.is_retryable
    assert len(server.requests) == 1


@any_call
def test_the_gateways_own_failure_is_told_from_the_providers(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(whole({"status": "failure", "message": "Something went wrong"}, status=500))

    with pytest.raises(GatewayFailureError, match="Something went wrong"):
        ask(client(server, wire))


@any_call
def test_trace_id_that_was_sent_stands_in_the_error_where_none_came_back(
    server: RecordingServer, wire: Wire, ask: Ask
) -> None:
    server.reply(whole(b"", status=503))

    with pytest.raises(ServerError, match=r"HTTP 503 without a body \(status 503, trace id trace-1\)"):
        ask(client(server, wire))


@any_call
def test_html_with_an_error_status_is_no_wall_of_markup(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(whole(HTML, status=502, headers={"content-type": "text/html"}))

    with pytest.raises(ServerError) as caught:
        ask(client(server, wire))

    assert "HTML page" in str(caught.value)
    assert "<h1>" not in str(caught.value)
    assert caught.value.body == HTML.decode()


@any_call
@pytest.mark.parametrize(
    ("body", "error_class"),
    [
        (HTML, HTMLResponseError),
        (b"Hello", NotJSONError),
        (b"", NotJSONError),
        (b'{"id": "msg_1", "choi', NotJSONError),
        (b"[1]", InvalidResponseError),
        (b'{"choices": []}', InvalidResponseError),
        (b'{"choices": [{"finish_reason": "stop"}]}', InvalidResponseError),
        (b'{"type": "message", "content": null, "stop_reason": "end_turn"}', InvalidResponseError),
        (b'{"type": "message", "content": [7], "stop_reason": "end_turn"}', InvalidResponseError),
        (b'{"type": "message", "content": [{"type": "text", "text": "Hel', NotJSONError),
        (b'{"error": {"message": "no", "type": "api_error"}}', ErrorInBodyError),
        (b'{"error": "no"}', ErrorInBodyError),
        (b'{"type": "error", "error": {"type": "api_error", "message": "no"}}', ErrorInBodyError),
    ],
)
def test_success_without_an_answer_is_an_error(
    server: RecordingServer, wire: Wire, ask: Ask, body: bytes, error_class: type[InvalidResponseError]
) -> None:
    server.reply(whole(body, headers={"x-request-id": "req_8"}))

    with pytest.raises(InvalidResponseError) as caught:
        ask(client(server, wire, max_retries=2))

    assert type(caught.value) is error_class
    assert (caught.value.status, caught.value.request_id, caught.value.trace_id) == (200, "req_8", "trace-1")
    assert len(server.requests) == 1


@streamed_call
def test_a_whole_answer_to_a_stream_request_is_one_delta(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(whole(wire.answer("From the cache."), headers={"x-portkey-cache-status": "HIT"}))

    found = ask(client(server, wire))

    assert found.text == "From the cache."
    assert found.info.cache_status == "HIT"
    assert found == client(server, wire).chat({"model": "m", "messages": [{"role": "user", "content": "?"}]})


@streamed_call
@pytest.mark.parametrize(
    ("payload", "error_class"),
    [(b"<html>", StreamDecodeError), (b"7", StreamDecodeError), (b'{"id": ', StreamDecodeError)],
)
def test_an_event_that_is_no_chunk_is_an_error(
    server: RecordingServer, wire: Wire, ask: Ask, payload: bytes, error_class: type[PortkeyError]
) -> None:
    server.reply(wire.events(*wire.deltas("Hel"), event(payload), *wire.deltas("lo")))

    with pytest.raises(error_class) as caught:
        ask(client(server, wire))

    assert caught.value.trace_id == "trace-1"


@streamed_call
def test_an_empty_stream_is_truncated(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(wire.events(end="nothing"))

    with pytest.raises(StreamTruncatedError):
        ask(client(server, wire))


@streamed_call
def test_an_end_mark_makes_no_answer_whole_that_had_no_reason_to_stop(server: RecordingServer, ask: Ask) -> None:
    server.reply(CHAT_COMPLETIONS.events(*CHAT_COMPLETIONS.deltas("Hel", "lo.")[:-1]))

    with pytest.raises(StreamTruncatedError):
        ask(client(server, CHAT_COMPLETIONS))


@any_call
def test_gzip_is_unpacked_whole_and_streamed(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    packed = {"content-encoding": "gzip"}
    streamed = gzip.compress(b"".join([*wire.deltas("Pack", "ed."), wire.end_mark]))
    server.reply(
        wire.events(streamed[:20], streamed[20:], headers=packed, end="nothing")
        if is_streamed(ask)
        else whole(gzip.compress(json.dumps(wire.answer("Packed.")).encode()), headers=packed)
    )

    assert ask(client(server, wire)).text == "Packed."


@any_call
@pytest.mark.parametrize("status", [200, 500])
def test_a_body_that_cannot_be_unpacked_is_an_error_of_ours(
    server: RecordingServer, wire: Wire, ask: Ask, status: int
) -> None:
    packed = {"content-encoding": "gzip", "content-type": "text/event-stream", "request-id": "req_9"}
    server.reply(whole(b"this is no gzip", status=status, headers=packed))

    with pytest.raises(PortkeyError, match="cannot be decompressed") as caught:
        ask(client(server, wire))

    assert (caught.value.status, caught.value.request_id) == (status, "req_9")
    server.wait_until_open(0)


@any_call
@pytest.mark.parametrize("max_retries", [0, 2])
def test_transient_failures_are_tried_again_as_often_as_asked(
    server: RecordingServer, wire: Wire, ask: Ask, max_retries: int
) -> None:
    server.reply(whole(b"{}", status=429, headers=RETRY_AT_ONCE))

    with pytest.raises(RateLimitError):
        ask(client(server, wire, max_retries=max_retries))

    assert len(server.requests) == 1 + max_retries
    assert len({request.body for request in server.requests}) == 1


@any_call
@pytest.mark.parametrize("status", [409, 429, 500, 502, 503, 529])
def test_the_answer_after_a_transient_failure_counts(
    server: RecordingServer, wire: Wire, ask: Ask, status: int
) -> None:
    failure = whole(b"{}", status=status, headers=RETRY_AT_ONCE)
    server.reply(failure, wire.success(ask))

    assert ask(client(server, wire, max_retries=1)).text == "Hello."


@any_call
def test_a_long_retry_after_is_left_to_the_caller(server: RecordingServer, wire: Wire, ask: Ask) -> None:
    server.reply(whole(b"{}", status=429, headers={"retry-after": "3600"}))

    with pytest.raises(RateLimitError) as caught:
        ask(client(server, wire, max_retries=2))

    assert len(server.requests) == 1
    assert caught.value.info is not None
    assert caught.value.info.retry_after_s == 3600


@any_call
@pytest.mark.parametrize("status", [400, 401, 403, 404, 412, 413, 422, 446])
def test_lasting_failures_are_not_tried_again(server: RecordingServer, wire: Wire, ask: Ask, status: int) -> None:
    server.reply(whole(b"{}", status=status, headers=RETRY_AT_ONCE))

    with pytest.raises(PortkeyStatusError):
        ask(client(server, wire, max_retries=2))

    assert len(server.requests) == 1
