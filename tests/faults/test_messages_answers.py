"""What only the Messages API answers with: errors of Anthropic's own shape, named events, verdicts among them."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway import (
    APIConnectionError,
    BadRequestError,
    ContextOverflowError,
    ErrorInBodyError,
    GatewayClient,
    GatewayOptions,
    GuardrailDeniedError,
    HTMLResponseError,
    OverloadedError,
    PortkeyError,
    PortkeyStatusError,
    RateLimitError,
    ServerError,
    StreamDecodeError,
    StreamProviderError,
    StreamTruncatedError,
)
from tests.support.calls import HELLO, Ask, any_call, is_streamed, streamed_call, whole_call
from tests.support.messages_format import MESSAGE_STOP, message, message_deltas, message_event
from tests.support.recording import RecordingServer, Reply, events, whole

HOOKS = {"before_request_hooks": [{"verdict": False, "id": "no-secrets"}], "after_request_hooks": []}
DENIED = {"error": {"message": "The guardrail checks failed.", "type": "hooks_failed", "param": None, "code": None}}
HTML = b"<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>"
RETRY_AT_ONCE = {"retry-after-ms": "0"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "pay", "input": {}}


def client(server: RecordingServer, *, max_retries: int = 0) -> GatewayClient:
    options = GatewayOptions(base_url=server.base_url, provider="anthropic", trace_id="trace-1")
    return GatewayClient(options, timeout_s=5, max_retries=max_retries)


def streamed(*pieces: bytes, **more: Any) -> Reply:
    """A stream that ends cleanly behind the last of these events."""
    return events(*pieces, end="nothing", **more)


# --- errors before the answer -----------------------------------------------------------------------------------------


def openais(error_type: str, text: str) -> dict[str, Any]:
    """An error of Claude's as the gateway tells it where it translates."""
    error = {"message": f"anthropic error: {text}", "type": error_type, "param": None, "code": None}
    return {"error": error, "provider": "anthropic"}


def anthropics(error_type: str, text: str) -> dict[str, Any]:
    """The same as Anthropic tells it, and the gateway where it passes on."""
    return {"type": "error", "error": {"type": error_type, "message": text}, "request_id": "req_7"}


@any_call
@pytest.mark.parametrize("shape", [openais, anthropics])
@pytest.mark.parametrize(
    ("status", "error_type", "error_class"),
    [
        (400, "invalid_request_error", BadRequestError),
        (429, "rate_limit_error", RateLimitError),
        (500, "api_error", ServerError),
        (529, "overloaded_error", OverloadedError),
    ],
)
def test_an_error_is_the_same_in_either_shape(
    server: RecordingServer,
    *,
    ask: Ask,
    shape: Any,
    status: int,
    error_type: str,
    error_class: type[PortkeyStatusError],
) -> None:
    server.reply(whole(shape(error_type, "Not today."), status=status, headers={"request-id": "req_7"}))

    with pytest.raises(PortkeyStatusError) as caught:
        ask(client(server))

    error = caught.value
    assert type(error) is error_class
    assert error.message.startswith(f"{error_type}: ")
    assert error.message.endswith("Not today.")
    assert (error.status, error.request_id, error.trace_id) == (status, "req_7", "trace-1")
    assert error.is_retryable == (status != 400)


@any_call
@pytest.mark.parametrize("shape", [openais, anthropics])
def test_a_prompt_that_is_too_long_is_told_in_either_shape(server: RecordingServer, ask: Ask, shape: Any) -> None:
    text = "prompt is too long: 210000 tokens > 200000 maximum"
    server.reply(whole(shape("invalid_request_error", text), status=400))

    with pytest.raises(ContextOverflowError, match="210000 tokens"):
        ask(client(server))


@any_call
@pytest.mark.parametrize(("headers", "told"), [({}, "req_7"), ({"request-id": "req_1"}, "req_1")])
def test_the_request_id_of_a_body_counts_where_no_header_tells_it(
    server: RecordingServer, ask: Ask, headers: dict[str, str], told: str
) -> None:
    server.reply(whole(anthropics("api_error", "no"), status=500, headers=headers))

    with pytest.raises(ServerError, match=f"request id {told}, ") as caught:
        ask(client(server))

    assert caught.value.request_id == told


@any_call
@pytest.mark.parametrize("request_id", [7, None, ["req_7"]])
def test_a_request_id_that_is_no_text_is_none(server: RecordingServer, ask: Ask, request_id: Any) -> None:
    server.reply(whole(anthropics("api_error", "no") | {"request_id": request_id}, status=500))

    with pytest.raises(ServerError) as caught:
        ask(client(server))

    assert caught.value.request_id is None


@any_call
def test_an_overload_before_the_answer_is_waited_out(server: RecordingServer, ask: Ask) -> None:
    refused = whole(anthropics("overloaded_error", "Overloaded"), status=529, headers=RETRY_AT_ONCE)
    server.reply(
        refused, refused, streamed(*message_deltas("Hello."), MESSAGE_STOP) if is_streamed(ask) else whole(message())
    )

    assert ask(client(server, max_retries=2)).text == "Hello."
    assert [request.path for request in server.requests] == ["/v1/messages"] * 3


@any_call
def test_a_guardrails_denial(server: RecordingServer, ask: Ask) -> None:
    server.reply(whole({**DENIED, "hook_results": HOOKS}, status=446))

    with pytest.raises(GuardrailDeniedError, match="hooks_failed: The guardrail") as caught:
        ask(client(server, max_retries=2))

    assert caught.value.hook_results == HOOKS
    assert len(server.requests) == 1


@pytest.mark.parametrize("shape", [openais, anthropics])
async def test_a_count_fails_in_either_shape(server: RecordingServer, shape: Any) -> None:
    server.reply(whole(shape("overloaded_error", "Overloaded"), status=529, headers={"request-id": "req_7"}))

    with pytest.raises(OverloadedError, match="Overloaded") as caught:
        client(server).count_tokens(HELLO)
    with pytest.raises(OverloadedError, match="Overloaded") as acaught:
        await client(server).acount_tokens(HELLO)

    assert (caught.value.request_id, acaught.value.request_id) == ("req_7", "req_7")


# --- instead of the answer --------------------------------------------------------------------------------------------


@any_call
@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/json", ""])
def test_a_web_page_with_a_success(server: RecordingServer, ask: Ask, content_type: str) -> None:
    server.reply(whole(HTML, headers={"content-type": content_type}))

    with pytest.raises(HTMLResponseError) as caught:
        ask(client(server))

    assert caught.value.body == HTML.decode()


@streamed_call
def test_a_web_page_as_a_stream(server: RecordingServer, ask: Ask) -> None:
    server.reply(streamed(HTML))

    with pytest.raises(StreamTruncatedError):
        ask(client(server))


@any_call
def test_a_web_page_that_the_gateway_wrapped(server: RecordingServer, ask: Ask) -> None:
    text = f"Invalid response received from anthropic: {HTML.decode()}"
    server.reply(
        whole({"error": {"message": text, "type": None, "param": None, "code": None}, "provider": "anthropic"})
    )

    with pytest.raises(ErrorInBodyError, match="Bad gateway"):
        ask(client(server))


@any_call
def test_an_error_with_a_success(server: RecordingServer, ask: Ask) -> None:
    server.reply(whole(anthropics("overloaded_error", "Overloaded")))

    with pytest.raises(ErrorInBodyError, match=r"Overloaded \[overloaded_error\]") as caught:
        ask(client(server))

    assert caught.value.request_id == "req_7"


@whole_call
def test_a_stream_where_a_whole_answer_was_asked_for_is_gathered(server: RecordingServer, ask: Ask) -> None:
    """So answers come on the proxied way, and wherever a config overrides ``stream``."""
    server.reply(streamed(*message_deltas("Hel", "lo."), MESSAGE_STOP))

    found = ask(client(server))

    assert (found.text, found.finish_reason) == ("Hello.", "stop")


@whole_call
def test_half_a_stream_where_a_whole_answer_was_asked_for_is_no_answer(server: RecordingServer, ask: Ask) -> None:
    server.reply(streamed(*message_deltas("Hel", "lo.")[:-1]))

    with pytest.raises(StreamTruncatedError):
        ask(client(server))


# --- verdicts ---------------------------------------------------------------------------------------------------------


@streamed_call
@pytest.mark.parametrize("place", [0, 1, 3])
@pytest.mark.parametrize("status", [200, 246])
def test_verdicts_are_an_event_without_a_type_wherever_they_stand(
    server: RecordingServer, *, ask: Ask, place: int, status: int
) -> None:
    told = [*message_deltas("Fi", "ne."), MESSAGE_STOP]
    told.insert(place, message_event({"hook_results": HOOKS}, name="hook_results"))
    server.reply(streamed(*told, status=status))

    found = ask(client(server))

    assert (found.text, found.finish_reason, found.info.status) == ("Fine.", "stop", status)
    assert found.hook_results == {"before_request_hooks": HOOKS["before_request_hooks"]}


@streamed_call
def test_verdicts_alone_are_no_answer(server: RecordingServer, ask: Ask) -> None:
    server.reply(streamed(message_event({"hook_results": HOOKS}, name="hook_results"), status=246))

    with pytest.raises(StreamTruncatedError):
        ask(client(server))


@any_call
def test_an_answer_that_a_mutator_changed(server: RecordingServer, ask: Ask) -> None:
    server.reply(whole(message() | {"content": ["Fine, ", "[x].", USE], "hook_results": HOOKS}))

    found = ask(client(server))

    assert found.text == "Fine, [x]."
    assert [call.name for call in found.tool_calls] == ["pay"]
    assert found.hook_results == {"before_request_hooks": HOOKS["before_request_hooks"]}


# --- the answer breaks off --------------------------------------------------------------------------------------------


@streamed_call
@pytest.mark.parametrize("sent", range(3))
def test_a_stream_without_a_stop_reason_is_truncated_wherever_it_ends(
    server: RecordingServer, ask: Ask, sent: int
) -> None:
    server.reply(streamed(*message_deltas("Hel", "lo.")[:sent]))

    with pytest.raises(StreamTruncatedError):
        ask(client(server, max_retries=2))

    assert len(server.requests) == 1


@streamed_call
def test_another_formats_end_mark_makes_no_answer_whole(server: RecordingServer, ask: Ask) -> None:
    server.reply(events(*message_deltas("Hel", "lo.")[:-1]))

    with pytest.raises(StreamTruncatedError):
        ask(client(server))


@streamed_call
def test_a_stream_of_chat_completions_is_no_message(server: RecordingServer, ask: Ask) -> None:
    server.reply(events({"choices": [{"delta": {"content": "Hello."}, "finish_reason": "stop"}]}))

    with pytest.raises(StreamTruncatedError):
        ask(client(server))


@streamed_call
@pytest.mark.parametrize(
    ("error_type", "is_retryable"),
    [("overloaded_error", True), ("api_error", True), ("rate_limit_error", True), ("invalid_request_error", False)],
)
@pytest.mark.parametrize("sent", [0, 1, 3])
def test_an_error_event_in_the_middle(
    server: RecordingServer, *, ask: Ask, error_type: str, is_retryable: bool, sent: int
) -> None:
    broken = message_event(anthropics(error_type, "Not today."))
    server.reply(streamed(*message_deltas("Hel", "lo.")[:sent], broken, MESSAGE_STOP))

    with pytest.raises(StreamProviderError, match=f"{error_type}: Not today") as caught:
        ask(client(server, max_retries=2))

    error = caught.value
    assert (error.error_type, error.is_retryable, error.request_id) == (error_type, is_retryable, "req_7")
    assert len(server.requests) == 1


@streamed_call
@pytest.mark.parametrize(
    "garbage", [b"{this is not JSON", b"", b"7", b"null", HTML, b'{"type": "content_block_delta", "in']
)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_an_event_that_is_no_json_breaks_the_answer_although_it_goes_on(
    server: RecordingServer, *, ask: Ask, garbage: bytes, place: int
) -> None:
    told = [*message_deltas("Hel", "lo."), MESSAGE_STOP]
    told.insert(place, message_event(garbage, name="content_block_delta"))
    server.reply(streamed(*told))

    with pytest.raises(StreamDecodeError, match="not the JSON object") as caught:
        ask(client(server, max_retries=2))

    assert caught.value.trace_id == "trace-1"
    assert len(server.requests) == 1


async def test_what_came_before_an_error_stays_at_hand(server: RecordingServer) -> None:
    server.reply(streamed(*message_deltas("Hel")[:1], message_event(anthropics("overloaded_error", "Overloaded"))))

    with client(server).stream(HELLO) as stream, pytest.raises(StreamProviderError):
        list(stream)
    async with client(server).astream(HELLO) as astream:
        with pytest.raises(StreamProviderError):
            [delta async for delta in astream]

    assert stream.answer == astream.answer
    assert (stream.answer.text, stream.answer.stop_reason) == ("Hel", None)


@streamed_call
def test_a_tool_call_that_broke_off_is_never_handed_over(server: RecordingServer, ask: Ask) -> None:
    begun = message_event({"type": "content_block_start", "index": 1, "content_block": USE})
    piece = {"type": "input_json_delta", "partial_json": '{"sum": 1'}
    half = message_event({"type": "content_block_delta", "index": 1, "delta": piece})
    server.reply(streamed(message_deltas("I pay.")[0], begun, half))

    with pytest.raises(StreamTruncatedError):
        ask(client(server))


@any_call
def test_a_body_that_breaks_says_so_and_whose_it_was(server: RecordingServer, ask: Ask) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\nrequest-id: req_7\r\n\r\n{"
    server.reply(Reply((head,), then="close"))

    with pytest.raises(APIConnectionError, match="broke in the middle of the answer") as caught:
        ask(client(server))

    assert isinstance(caught.value, PortkeyError)
    assert caught.value.is_retryable
    assert (caught.value.status, caught.value.request_id, caught.value.trace_id) == (200, "req_7", "trace-1")
