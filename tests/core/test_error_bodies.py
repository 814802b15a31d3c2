"""Bodies that tell of an error: each becomes the exception of its kind, whose message says what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from portkey_gateway import errors
from portkey_gateway.error_bodies import decode_error, decode_not_an_answer, is_html, read_json
from portkey_gateway.errors import CLASS_BY_STATUS, PortkeyError
from portkey_gateway.info import GatewayInfo

WIRE = Path(__file__).parent.parent / "wire"

OPENAI = b'{"error":{"message":"No such model","type":"invalid_request_error","param":null,"code":"model_not_found"}}'
ANTHROPIC = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
FAILURE = b'{"status":"failure","message":"Something went wrong"}'
HTML = b"  <!DOCTYPE html>\n<html><body>Bad gateway</body></html>"

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


NOWHERE = (
    "; pass provider= or config=: the open-source gateway has no model catalog, so no name (@slug/…) and no prompt "
    "tells it where to go"
)


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
            f"Either x-portkey-config or x-portkey-provider header is required{NOWHERE}",
        ),
        ("error_500_broken.json", errors.GatewayFailureError, "Something went wrong"),
    ],
)
def test_the_gateways_errors(name: str, error_class: type[PortkeyError], message: str) -> None:
    error = decode_error((WIRE / name).read_bytes(), GatewayInfo(int(name.split("_")[1].removesuffix(".json"))))
    assert type(error) is error_class
    assert error.message == message


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        ({"status": "failure", "message": "Invalid config passed. You need to pass a valid json"}, "no saved configs"),
        ({"status": "failure", "message": "Invalid provider passed"}, "one of Portkey's slugs, such as 'anthropic'"),
        ({"status": "failure", "message": "embed is not supported by anthropic"}, "one that embeds, such as 'openai'"),
        ({"html-message": "Message: fetch failed\nCause: Error: getaddrinfo ENOTFOUND no.such"}, "finds no such host"),
    ],
)
def test_what_the_gateway_sends_nowhere_says_what_to_do(body: dict[str, str], remedy: str) -> None:
    error = decode_error(json.dumps(body).encode(), GatewayInfo(400))
    said = " ".join(body.get("message", body.get("html-message", "")).split())
    assert error.message.startswith(f"{said}; ")
    assert remedy in error.message


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
