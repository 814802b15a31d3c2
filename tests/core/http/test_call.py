"""What one call says of its failures: by which bound, whether it is tried again, and nothing secret."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr

from portkey_gateway.errors import APIConnectionError, PortkeyError, StreamProviderError
from portkey_gateway.http.asked_keys import AskedKeys
from portkey_gateway.http.body import Received
from portkey_gateway.http.call import Call
from portkey_gateway.http.patience import Deadline, Patience
from portkey_gateway.http.retry import RetryPolicy
from portkey_gateway.info import GatewayInfo
from portkey_gateway.keys import AskedKey

URL = "https://gateway.example/v1/messages"
KEY = "sk-" + "ant-api03-0123456789"
NOT_TRIED_AGAIN = (
    "; the request was sent, so it may have been answered and charged: it is tried again only with "
    "retry_unanswered=True"
)
FALLBACK = json.dumps({"strategy": {"mode": "fallback"}, "targets": [{"provider": "openai"}, {}, {}]})


def call(**more: Any) -> Call:
    return Call(**{"url": URL, "headers": {}, "body": b"{}", "timeout_s": 5, "retry": RetryPolicy(), **more})


def received(**info: Any) -> Received[Any]:
    reply: Any = None
    return Received(reply, GatewayInfo(**{"status": 503, **info}), Patience(None, Deadline(None)))


# --- which failure it is --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total_s", "given", "bound"),
    [
        (None, {}, "timeout=5 s"),
        (60.0, {"total_timeout_s": 60}, "timeout=5 s"),
        (0.0, {"total_timeout_s": 0.5}, "total_timeout=0.5 s"),
        (None, {"timeout_s": 0.1}, "timeout=0.1 s"),
    ],
)
def test_the_bound_that_held_is_named(total_s: float | None, given: dict[str, Any], bound: str) -> None:
    patience = Patience(None, Deadline(total_s))
    error = call(**given).request_error(httpx.ConnectTimeout("x"), None, patience)
    assert error.message == f"no answer from {URL} within {bound} (ConnectTimeout)"
    assert error.info is None


@pytest.mark.parametrize(
    ("given", "info", "is_said", "may_be_charged"),
    [
        ({}, {}, True, True),
        ({"retry": RetryPolicy(retry_unanswered=True)}, {}, False, True),
        ({"is_free": True}, {}, False, False),
        ({}, {"should_retry": True}, False, True),  # the server says itself what to do
    ],
)
def test_why_it_is_not_tried_again_is_said(
    given: dict[str, Any], info: dict[str, Any], *, is_said: bool, may_be_charged: bool
) -> None:
    begun = received(**info)
    error = call(**given).request_error(httpx.ReadError("gone"), begun, begun.patience)
    text = f"the connection to {URL} broke in the middle of the answer: gone"
    assert error.message == text + (NOT_TRIED_AGAIN if is_said else "")
    assert error.may_be_charged is may_be_charged
    assert error.info is begun.info


def test_what_was_never_sent_says_nothing_of_charges() -> None:
    error = call().request_error(httpx.ConnectError("refused"), None, Patience(None, Deadline(None)))
    assert error.message == f"cannot reach {URL}: refused; is base_url right?"
    assert error.may_be_charged is False


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        (None, ""),
        (httpx.DecodingError("no gzip"), "; its body cannot be decompressed: no gzip"),
        (httpx.ReadError("gone"), "; its body broke off: gone"),
        (httpx.ReadError(""), "; its body broke off: ReadError"),
    ],
)
def test_a_body_of_an_error_that_is_not_whole_is_told(flaw: Exception | None, said: str) -> None:
    error = call().decode_error(received(status=400), b'{"error": {"type": "invalid", "message": "No."}}', flaw)
    assert error.message == f"invalid: No.{said}"
    assert error.status == 400


@pytest.mark.parametrize(
    ("headers", "target", "said"),
    [
        ({"x-portkey-config": FALLBACK}, "config.targets[1]", "config.targets[0] (openai)"),
        (
            {"x-portkey-config": FALLBACK},
            "config.targets[2]",
            "config.targets[0] (openai), config.targets[1]",
        ),
        ({"x-portkey-config": FALLBACK}, "config.targets[0]", ""),
        ({"x-portkey-config": FALLBACK}, None, ""),
        ({"x-portkey-config": "pc-saved"}, "config.targets[1]", ""),
        ({}, "config.targets[1]", ""),
    ],
)
def test_who_failed_before_is_told_where_the_config_is_known(
    headers: dict[str, str], target: str | None, said: str
) -> None:
    error = call(headers=headers).decode_error(received(status=400, target_index=target), b'{"error": "No."}', None)
    before = f"; before it {said} failed, for reasons that the gateway does not tell" if said else ""
    assert error.message == f"No.{before}"


def test_the_keys_that_were_asked_for_win() -> None:
    keys = AskedKeys({"api_key": AskedKey(lambda: "asked")})
    keys.ask()
    headers = {"x-portkey-api-key": "given", "x-portkey-provider": "anthropic"}
    assert call(headers=headers, keys=keys).all_headers == {**headers, "x-portkey-api-key": "asked"}
    assert call(headers=headers).all_headers == headers


def test_the_trace_that_was_sent_is_told_where_the_gateway_tells_none() -> None:
    reply: Any = type("Reply", (), {"status": 200, "headers": {}})
    assert call(headers={"x-portkey-trace-id": "t"}).info(reply) == GatewayInfo(200, trace_id="t")
    assert call().info(reply) == GatewayInfo(200)


def test_it_shows_neither_headers_nor_body_nor_secrets() -> None:
    keys = AskedKeys({"api_key": AskedKey(lambda: KEY)})
    keys.ask()
    shown = repr(call(headers={"authorization": KEY}, body=KEY.encode(), secrets=(KEY,), keys=keys))
    assert KEY not in shown
    assert URL in shown


def test_a_wait_is_a_little_less_than_its_most() -> None:
    waits = [call().delay_s(APIConnectionError("x"), 0) for _ in range(50)]
    assert all(wait is not None and 0.375 <= wait <= 0.5 for wait in waits)
    assert len({*waits}) > 1
    assert call().delay_s(APIConnectionError("x"), 2) is None


# --- secrets --------------------------------------------------------------------------------------------------------

ODD = "p\"w'd\\é&/ 0123"
IN_JSON = json.dumps(ODD)[1:-1]
FORMS = [
    ODD,
    IN_JSON,
    json.dumps(IN_JSON)[1:-1],
    repr(ODD)[1:-1],
    ODD.replace("'", "\\'"),
    ODD.encode("ascii", "backslashreplace").decode(),
    IN_JSON.replace("'", "\\'"),
    quote(ODD),
    quote(ODD, safe=""),
]


def redacted(text: str, *secrets: str) -> str:
    return call(secrets=secrets).redacted(PortkeyError(text)).message


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_blotted_out_however_it_is_written(form: str) -> None:
    assert redacted(f"<{form}> and <{form}>", ODD) == "<[redacted]> and <[redacted]>"


def test_the_longest_secret_is_blotted_out_first_and_each_of_them() -> None:
    assert redacted(f"{KEY}-more {KEY}", KEY, f"{KEY}-more") == "[redacted] [redacted]"
    assert redacted("one two", "one", "two") == "[redacted] [redacted]"
    assert redacted("a.c abc", "a.c") == "[redacted] abc"  # no pattern


@pytest.mark.parametrize(
    ("shown", "left"),
    [
        (KEY[:12], "[redacted]"),
        (KEY[:15], "[redacted]"),
        (f"{KEY[:15]}...", "[redacted]..."),
        (f"{KEY[:13]}x{KEY[:20]}y", "[redacted]x[redacted]y"),
        (KEY[:11], KEY[:11]),  # what many keys begin with
        (f"{KEY}{KEY[-3:]}", f"[redacted]{KEY[-3:]}"),
    ],
)
def test_what_is_cut_inside_a_secret_is_blotted_out_as_far_as_it_goes(shown: str, left: str) -> None:
    assert redacted(f"key: {shown}", KEY) == f"key: {left}"


def test_the_beginning_of_a_short_secret_is_a_word_like_others() -> None:
    assert redacted("short short-12", "short-12345") == "short short-12"
    assert redacted("short-123456", "short-12345") == "[redacted]6"


def test_without_secrets_nothing_is_changed() -> None:
    error = PortkeyError("x", body={"a": [1, "b"]})
    assert call().redacted(error) is error
    assert (error.message, error.body) == ("x", {"a": [1, "b"]})


def test_secrets_are_blotted_out_of_all_that_an_error_shows() -> None:
    info = GatewayInfo(
        400, trace_id="t", request_id=f"r {KEY}", provider=f"p {KEY}", cache_status=f"c {KEY}", target_index=f"i {KEY}"
    )
    error = StreamProviderError(f"m {KEY}", info=info, body={KEY: [KEY, {"a": KEY}, 7, None]}, error_type=f"e {KEY}")
    error.__cause__ = ValueError(f"h11 quotes {KEY}")
    shown: Any = call(secrets=(KEY,)).redacted(error)
    hidden = "[redacted]"
    assert (shown.message, shown.args, shown.error_type) == (f"m {hidden}", (f"m {hidden}",), f"e {hidden}")
    assert shown.body == {hidden: [hidden, {"a": hidden}, 7, None]}
    assert shown.info == GatewayInfo(
        400,
        trace_id="t",
        request_id=f"r {hidden}",
        provider=f"p {hidden}",
        cache_status=f"c {hidden}",
        target_index=f"i {hidden}",
    )
    assert shown.__cause__ is None


def test_a_cause_without_a_secret_stays() -> None:
    cause = ValueError("no secret")
    error = PortkeyError("x")
    error.__cause__ = cause
    assert call(secrets=(KEY,)).redacted(error).__cause__ is cause


def test_keys_that_were_asked_for_are_secrets_where_they_are_long_enough() -> None:
    said: Any = iter([KEY, SecretStr("short")])
    keys = AskedKeys({"api_key": AskedKey(lambda: next(said))})
    keys.ask()
    keys.ask()
    assert call(keys=keys).redacted(PortkeyError(f"{KEY} short")).message == "[redacted] short"


def test_an_error_from_within_shows_no_secret_and_keeps_its_cause() -> None:
    cause = ValueError("why")
    with pytest.raises(PortkeyError, match=r"^\[redacted\]$") as caught, call(secrets=(KEY,)).redacting():
        raise PortkeyError(KEY) from cause
    assert caught.value.__cause__ is cause
    with pytest.raises(PortkeyError) as caught, call(secrets=(KEY,)).redacting():
        raise PortkeyError("Oh.")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__  # so no traceback tells the text of what stood behind it
    with pytest.raises(ZeroDivisionError), call(secrets=(KEY,)).redacting():
        raise ZeroDivisionError
