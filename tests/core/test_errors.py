"""Errors: each body the gateway sends becomes its own class, and keeps what it knows through str, repr and pickle."""

import inspect
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from portkey_gateway import errors
from portkey_gateway.errors import (
    CLASS_BY_STATUS,
    PortkeyError,
    PortkeyWarning,
    decode_error,
    decode_not_an_answer,
    is_html,
    read_json,
)
from portkey_gateway.info import GatewayInfo

WIRE = Path(__file__).parent.parent / "wire"
INFO = GatewayInfo(429, trace_id="trace-1", request_id="req_1", provider="anthropic", retry_after_s=2.0)
CLASSES = [
    error_class
    for _, error_class in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error_class, PortkeyError)
]

OPENAI = b'{"error":{"message":"No such model","type":"invalid_request_error","param":null,"code":"model_not_found"}}'
ANTHROPIC = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
FAILURE = b'{"status":"failure","message":"Something went wrong"}'
HTML = b"  <!DOCTYPE html>\n<html><body>Bad gateway</body></html>"


def parents(error_class: type[BaseException]) -> set[type]:
    return set(error_class.__mro__)


# --- the tree -------------------------------------------------------------------------------------------------------


def test_the_tree_in_the_docstring_names_every_class() -> None:
    tree = errors.__doc__ or ""
    assert [error_class.__name__ for error_class in CLASSES if error_class.__name__ not in tree] == []
    assert errors.StreamTimeoutError in CLASSES


@pytest.mark.parametrize(
    ("error_class", "bases"),
    [
        (errors.EncodingError, {ValueError}),
        (errors.ContentError, {errors.EncodingError}),
        (errors.ContextOverflowError, {errors.BadRequestError}),
        (errors.OverloadedError, {errors.ServerError}),
        (errors.GatewayFailureError, {errors.ServerError}),
        (errors.ErrorInBodyError, {errors.InvalidResponseError}),
        (errors.HTMLResponseError, {errors.NotJSONError, errors.InvalidResponseError}),
        (errors.APITimeoutError, {errors.APIConnectionError}),
        (errors.StreamTruncatedError, {errors.StreamError}),
        (errors.StreamProviderError, {errors.StreamError}),
        (errors.StreamDecodeError, {errors.StreamError}),
        (errors.StreamInterruptedError, {errors.StreamError, errors.APIConnectionError}),
        (errors.StreamTimeoutError, {errors.StreamError, errors.APITimeoutError}),
    ],
)
def test_what_is_caught_together(error_class: type[PortkeyError], bases: set[type]) -> None:
    assert bases <= parents(error_class)


@pytest.mark.parametrize("error_class", CLASSES, ids=lambda error_class: error_class.__name__)
def test_every_error_keeps_what_it_knows_through_a_pickle(error_class: type[PortkeyError]) -> None:
    error = error_class("no", info=INFO, body={"error": {"message": "no"}})
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is error_class
    assert (copy.message, copy.info, copy.body) == ("no", INFO, {"error": {"message": "no"}})
    assert (copy.is_retryable, str(copy), repr(copy)) == (error.is_retryable, str(error), repr(error))


@pytest.mark.parametrize(("error_type", "is_retryable"), [("overloaded_error", True), ("invalid_request_error", False)])
def test_a_streams_error_keeps_its_type_through_a_pickle(error_type: str, is_retryable: bool) -> None:
    copy = pickle.loads(pickle.dumps(errors.StreamProviderError("no", info=INFO, error_type=error_type)))
    assert (copy.error_type, copy.is_retryable) == (error_type, is_retryable)


def test_the_text_ends_with_the_identifiers_that_support_asks_for() -> None:
    error = errors.RateLimitError("slow down", info=INFO)
    assert str(error) == "slow down (status 429, provider anthropic, request id req_1, trace id trace-1)"
    assert (error.status, error.request_id, error.trace_id, error.provider) == (429, "req_1", "trace-1", "anthropic")
    assert repr(error) == "RateLimitError('slow down')"


def test_without_an_answer_there_are_no_identifiers() -> None:
    error = errors.APIConnectionError("cannot reach it")
    assert str(error) == "cannot reach it"
    assert [error.status, error.request_id, error.trace_id, error.provider] == [None] * 4


# --- by status ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "error_class"), CLASS_BY_STATUS.items())
def test_each_status_has_its_class(status: int, error_class: type[PortkeyError]) -> None:
    error = decode_error(OPENAI, GatewayInfo(status))
    assert type(error) is error_class
    assert error.status == status
    assert error.body == json.loads(OPENAI)


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (302, errors.PortkeyStatusError),
        (402, errors.PortkeyStatusError),
        (431, errors.PortkeyStatusError),
        (500, errors.ServerError),
        (502, errors.ServerError),
        (599, errors.ServerError),
    ],
)
def test_other_statuses_have_the_class_of_their_kind(status: int, error_class: type[PortkeyError]) -> None:
    assert type(decode_error(OPENAI, GatewayInfo(status))) is error_class


@pytest.mark.parametrize(
    ("content", "message", "body"),
    [
        (OPENAI, "invalid_request_error: No such model", json.loads(OPENAI)),
        (ANTHROPIC, "overloaded_error: Overloaded", json.loads(ANTHROPIC)),
        (FAILURE, "Something went wrong", json.loads(FAILURE)),
        (b'{"error":"model not found"}', "model not found", {"error": "model not found"}),
        (b'{"error":{"code":404,"message":"gone"}}', "404: gone", {"error": {"code": 404, "message": "gone"}}),
        (b'{"error":{"reason":"x"}}', "{'reason': 'x'}", {"error": {"reason": "x"}}),
        (b'{"detail":"nope"}', "{'detail': 'nope'}", {"detail": "nope"}),
        (HTML, "HTTP 499 with an HTML page, as a proxy on the way sends it", HTML.decode()),
        (b"", "HTTP 499 without a body", ""),
        (b"upstream connect error", "upstream connect error", "upstream connect error"),
        (b"\xff\xfe", "\ufffd\ufffd", "\ufffd\ufffd"),
        (b"[1,2]", "[1, 2]", [1, 2]),
        (b"null", "None", None),
        (b'"text"', "text", "text"),
    ],
)
def test_every_shape_of_error_tells_its_message(content: bytes, message: str, body: Any) -> None:
    error = decode_error(content, GatewayInfo(499))
    assert error.message == message
    assert error.body == body


def test_a_long_text_is_cut_in_the_message_and_whole_in_the_body() -> None:
    error = decode_error(b"x" * 9000, GatewayInfo(503))
    assert error.message == "x" * 500
    assert error.body == "x" * 9000


@pytest.mark.parametrize(
    ("status", "content", "info"),
    [
        (500, FAILURE, GatewayInfo(500)),
        (500, OPENAI, GatewayInfo(500, is_gateway_exception=True)),
    ],
    ids=["failure", "header"],
)
def test_the_gateways_own_failures_have_their_class(status: int, content: bytes, info: GatewayInfo) -> None:
    error = decode_error(content, info)
    assert type(error) is errors.GatewayFailureError
    assert error.status == status


def test_a_refusal_by_the_gateway_is_a_bad_request_not_its_failure() -> None:
    error = decode_error(FAILURE, GatewayInfo(400, is_gateway_exception=True))
    assert type(error) is errors.BadRequestError


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 199000 + 20000 > 200000, decrease input length",
        "This model's maximum context length is 128000 tokens",
    ],
)
def test_an_input_longer_than_the_context_has_its_class(message: str) -> None:
    content = json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()
    assert type(decode_error(content, GatewayInfo(400))) is errors.ContextOverflowError
    assert type(decode_error(content, GatewayInfo(422))) is errors.UnprocessableEntityError


def test_openai_tells_an_overflow_by_its_code() -> None:
    content = b'{"error":{"message":"Too long","code":"context_length_exceeded"}}'
    assert type(decode_error(content, GatewayInfo(400))) is errors.ContextOverflowError


@pytest.mark.parametrize("content", [b"404 Not Found", b"", HTML, b'{"message":"Not Found","ok":false}'])
def test_a_path_that_nobody_serves_asks_for_the_end_of_base_url(content: bytes) -> None:
    assert decode_error(content, GatewayInfo(404)).message.endswith("; base_url usually ends in /v1")
    assert "base_url usually" not in decode_error(content, GatewayInfo(403)).message


def test_a_model_that_does_not_exist_says_nothing_of_base_url() -> None:
    assert "base_url" not in decode_error(OPENAI, GatewayInfo(404)).message


@pytest.mark.parametrize("content", [b"[" * 100_000, b'"' + b"\xff" + b'"', b"", b"{", b"[1}"])
def test_what_is_not_json_is_one_kind_of_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(content)


def test_half_a_surrogate_pair_is_read() -> None:
    assert read_json(b'{"a": "\\ud83d"}') == {"a": "\ud83d"}


# --- bytes of the real gateway --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "error_class", "message"),
    [
        ("error_529.json", errors.OverloadedError, "overloaded_error: anthropic error: Overloaded"),
        (
            "error_400_overflow.json",
            errors.ContextOverflowError,
            "invalid_request_error: anthropic error: prompt is too long: 210000 tokens > 200000 maximum",
        ),
        (
            "error_400_no_provider.json",
            errors.BadRequestError,
            "Either x-portkey-config or x-portkey-provider header is required; pass provider= or config=",
        ),
        ("error_500_broken.json", errors.GatewayFailureError, "Something went wrong"),
    ],
)
def test_the_gateways_errors(name: str, error_class: type[PortkeyError], message: str) -> None:
    error = decode_error((WIRE / name).read_bytes(), GatewayInfo(int(name.split("_")[1].removesuffix(".json"))))
    assert type(error) is error_class
    assert error.message == message


def test_a_guardrail_that_denied_says_which_check_failed() -> None:
    error = decode_error((WIRE / "error_446.json").read_bytes(), GatewayInfo(446))
    assert isinstance(error, errors.GuardrailDeniedError)
    assert error.message.startswith("hooks_failed: The guardrail checks defined in the config failed.")
    assert error.hook_results["before_request_hooks"][0]["id"] == "words"


@pytest.mark.parametrize("content", [HTML, b"{}", b'{"hook_results":null}', b'{"hook_results":[1]}'])
def test_a_guardrail_without_results_has_none(content: bytes) -> None:
    error = decode_error(content, GatewayInfo(446))
    assert isinstance(error, errors.GuardrailDeniedError)
    assert error.hook_results == {}


# What the open-source gateway 1.15.2 answered 301 seconds after a request to a provider that said nothing.
TOO_SLOW = {
    "error": {
        "message": 'Invalid response received from anthropic: {"html-message":"Message: fetch failed Cause: '
        'HeadersTimeoutError: Headers Timeout Error Name: TypeError"}',
        "type": None,
        "param": None,
        "code": None,
    },
    "provider": "anthropic",
}


def test_an_answer_that_the_gateway_did_not_wait_for_is_not_asked_for_again() -> None:
    error = decode_error(json.dumps(TOO_SLOW).encode(), GatewayInfo(500))
    assert not error.is_retryable
    assert "ask for it as a stream (streaming=True, stream_chat)" in error.message


# --- success statuses without an answer -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "error_class", "message"),
    [
        (ANTHROPIC, errors.ErrorInBodyError, "although the status is 200: Overloaded [overloaded_error]"),
        (b'{"error":"no"}', errors.ErrorInBodyError, "although the status is 200: no"),
        (b'{"error":null}', errors.InvalidResponseError, "not what this route answers with"),
        (HTML, errors.HTMLResponseError, "is base_url the gateway's"),
        (b"", errors.NotJSONError, "The body is not JSON: ''"),
        (b'{"id": "msg_1", "con', errors.NotJSONError, "not JSON"),
        (b"{}", errors.InvalidResponseError, "not what this route answers with"),
        (b"[]", errors.InvalidResponseError, "not what this route answers with"),
        (b"null", errors.InvalidResponseError, "not what this route answers with"),
    ],
)
def test_a_success_that_is_no_answer(content: bytes, error_class: type[PortkeyError], message: str) -> None:
    error = decode_not_an_answer(content, GatewayInfo(200))
    assert type(error) is error_class
    assert message in error.message
    assert not error.is_retryable


def test_a_page_that_the_gateway_wrapped_into_a_success() -> None:
    error = decode_not_an_answer((WIRE / "error_200_html.json").read_bytes(), GatewayInfo(200))
    assert type(error) is errors.ErrorInBodyError
    assert "Invalid response received from anthropic" in error.message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"<html>", True),
        (b"\n <HTML lang=en>", True),
        (b"<!doctype HTML>", True),
        (b"<head>", True),
        (b"<htmlx>", False),
        (b'{"a":"<html>"}', False),
        (b"", False),
    ],
)
def test_is_html(content: bytes, expected: bool) -> None:
    assert is_html(content) is expected


# --- warnings -------------------------------------------------------------------------------------------------------


def place_of_warning(*modules: str) -> str:
    """The file that is told as the place of a warning noticed below one function of each of these, the first on top."""
    call = errors.warn
    for name in reversed(modules):
        names: dict[str, Any] = {"__name__": name, "inner": call}
        exec(compile("def call(message): inner(message)", f"{name}.py", "exec"), names)  # noqa: S102 a frame of any module
        call = names["call"]
    with pytest.warns(PortkeyWarning, match="^lost$") as caught:
        call("lost")
    assert len(caught) == 1
    return caught[0].filename


@pytest.mark.parametrize(
    "between",
    [
        (),
        ("portkey_gateway.client", "portkey_gateway.chat_completions.encode"),
        ("langchain_core.runnables.base", "portkey_langchain.encode"),
        (
            "langchain.agents.factory",
            "langgraph.pregel",
            "langchain_core.runnables.base",
            "portkey_gateway.chat_completions.schema",
        ),
        ("llama_index.core.llms", "llama_index_instrumentation.dispatcher", "portkey_llamaindex.encode"),
        ("asyncio.runners", "asyncio.events", "contextlib", "portkey_gateway.client"),
    ],
)
def test_a_warning_points_at_the_callers_own_file(between: tuple[str, ...]) -> None:
    assert place_of_warning("theirs.library", "yours.app", *between) == "yours.app.py"


@pytest.mark.parametrize("name", ["langchain_demo.app", "portkey_gateway_demo", "__main__"])
def test_a_name_that_only_begins_like_ours_is_the_callers(name: str) -> None:
    assert place_of_warning("top", name, "portkey_gateway.chat_completions.encode") == f"{name}.py"


def test_a_warning_points_at_the_line() -> None:
    with pytest.warns(PortkeyWarning) as caught:
        errors.warn("lost")
    assert caught[0].filename == __file__
    assert 'errors.warn("lost")' in Path(__file__).read_text().splitlines()[caught[0].lineno - 1]


def test_a_warning_of_a_thread_without_a_caller_is_one_all_the_same() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.warns(PortkeyWarning, match="^lost$"):
        pool.submit(errors.warn, "lost").result()
