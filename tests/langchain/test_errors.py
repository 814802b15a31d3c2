"""What goes wrong reaches the user as an error that is the core's and LangChain's, with what support asks for."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from langchain_core import exceptions as langchain

from portkey_gateway import errors as core
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.serving.faults import Fault
from portkey_langchain import ChatPortkey
from portkey_langchain.errors import COMBINED, as_langchain_errors
from tests.langchain.ask import Ask, any_call, astream, stream
from tests.support.recording import RecordingServer, deltas, events, whole

streamed = pytest.mark.parametrize("ask", [stream, astream])


@any_call
@pytest.mark.parametrize(
    ("failure", "kinds"),
    [
        ((400, "No."), (core.BadRequestError, langchain.ModelInvalidRequestError)),
        ((400, "prompt is too long: 9 > 8"), (core.ContextOverflowError, langchain.ContextOverflowError)),
        ((401, "No key."), (core.AuthenticationError, langchain.ModelAuthenticationError)),
        ((403, "No."), (core.PermissionDeniedError, langchain.ModelPermissionDeniedError)),
        ((404, "No model."), (core.NotFoundError, langchain.ModelNotFoundError)),
        ((413, "Too large."), (core.RequestTooLargeError, langchain.ModelInvalidRequestError)),
        ((429, "Slow down."), (core.RateLimitError, langchain.ModelRateLimitError)),
        ((500, "Oh."), (core.ServerError, langchain.ModelAPIError)),
        ((529, "Overloaded."), (core.OverloadedError, langchain.ModelAPIError)),
    ],
)
def test_a_status_is_an_error_of_both_kinds(
    model: ChatPortkey, sandbox: Sandbox, failure: tuple[int, str], kinds: tuple[type, type], ask: Ask
) -> None:
    status, message = failure
    sandbox.claude.inject(Fault("status", status=status, message=message))
    with pytest.raises(core.PortkeyStatusError) as caught:
        ask(model, "Hi", trace_id="trace-7")
    error = caught.value
    assert all(isinstance(error, kind) for kind in kinds)
    assert (error.status, error.provider, error.trace_id) == (status, "anthropic", "trace-7")
    assert (error.request_id or "").startswith("req_")
    assert message in str(error)
    assert f"status {status}" in str(error)


@streamed
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        pytest.param(Fault("error_mid_stream", after=5), core.StreamProviderError, id="error"),
        pytest.param(Fault("cut", after=5), core.StreamTruncatedError, id="cut"),
        pytest.param(Fault("garbage_event", after=5), core.StreamTruncatedError, id="garbage"),
    ],
)
def test_a_fault_in_the_middle_is_an_error_of_both_kinds(
    model: ChatPortkey, sandbox: Sandbox, api_format: str, *, fault: Fault, kind: type[Exception], ask: Ask
) -> None:
    if fault.kind == "garbage_event" and api_format == "messages":
        kind = core.StreamDecodeError  # the gateway passes it on there, and ends the stream at it over the other
    sandbox.claude.inject(fault)
    with pytest.raises(kind) as caught:
        ask(model, "Count to 12.")
    assert isinstance(caught.value, langchain.ModelAPIError)
    assert isinstance(caught.value, core.StreamError)


def test_what_came_before_the_fault_was_handed_on(model: ChatPortkey, sandbox: Sandbox) -> None:
    sandbox.claude.inject(Fault("error_mid_stream", after=6))
    texts: list[str] = []
    with pytest.raises(core.StreamProviderError, match="overloaded_error"):
        texts.extend(chunk.text for chunk in model.stream("Count to 12."))
    assert "".join(texts) == "1, 2, 3,"


@streamed
def test_a_lost_connection_and_silence_are_told_apart(server: RecordingServer, ask: Ask) -> None:
    model = ChatPortkey(model="m", base_url=server.base_url, provider="p", timeout=0.2, max_retries=0)
    server.reply(events(*deltas("Hi")[:1], end="cut"))
    with pytest.raises(core.StreamInterruptedError) as lost:
        ask(model, "Hi")
    assert isinstance(lost.value, langchain.ModelConnectionError)
    server.reply(events(*deltas("Hi")[:1], 1.0))
    with pytest.raises(core.StreamTimeoutError) as silent:
        ask(model, "Hi")
    assert isinstance(silent.value, langchain.ModelTimeoutError)


@any_call
def test_a_page_instead_of_an_answer_is_an_error(server: RecordingServer, ask: Ask) -> None:
    model = ChatPortkey(model="m", base_url=server.base_url, provider="p", max_retries=0)
    server.reply(whole(b"<!doctype html><html>", headers={"content-type": "text/html"}))
    with pytest.raises(core.HTMLResponseError, match="is base_url the gateway's"):
        ask(model, "Hi")


@any_call
def test_nobody_at_the_address_is_a_connection_error(ask: Ask) -> None:
    model = ChatPortkey(model="m", base_url="http://127.0.0.1:9/v1", provider="p", max_retries=0)
    with pytest.raises(langchain.ModelConnectionError, match=r"cannot reach http://127\.0\.0\.1:9/v1"):
        ask(model, "Hi")


@any_call
def test_what_cannot_be_encoded_is_a_value_error_too(model: ChatPortkey, ask: Ask) -> None:
    with pytest.raises(ValueError, match=r"messages\[0\]\.content\[0\]") as caught:
        ask(model, [("human", [{"type": "video", "url": "https://a.org/x.mp4"}])])
    assert isinstance(caught.value, langchain.ModelInvalidRequestError)
    assert isinstance(caught.value, core.ContentError)


@pytest.mark.parametrize("kind", COMBINED)
def test_every_error_of_the_core_has_its_twin_and_can_be_pickled(kind: type[core.PortkeyError]) -> None:
    with pytest.raises(kind) as caught, as_langchain_errors():
        raise kind("Oh.")
    error: Any = pickle.loads(pickle.dumps(caught.value))
    assert type(error) is COMBINED[kind]
    assert isinstance(error, langchain.ModelError)
    assert (type(error).__name__, error.message, error.is_retryable) == (kind.__name__, "Oh.", kind("Oh.").is_retryable)


def test_an_error_is_translated_once() -> None:
    with pytest.raises(core.RateLimitError) as caught, as_langchain_errors(), as_langchain_errors():
        raise core.RateLimitError("Slow down.")
    assert type(caught.value) is COMBINED[core.RateLimitError]


def test_the_cause_is_kept_and_the_core_s_own_error_is_not_repeated() -> None:
    cause = OSError("no route")
    with pytest.raises(core.APIConnectionError) as caught, as_langchain_errors():
        raise core.APIConnectionError("cannot reach it") from cause
    assert caught.value.__cause__ is cause
    assert caught.value.__suppress_context__
