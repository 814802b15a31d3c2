"""What fails below becomes an error that says where, why, whether to try again, and whether it may be charged."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from portkey_gateway.errors import (
    APIConnectionError,
    APITimeoutError,
    InvalidResponseError,
    StreamDecodeError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from portkey_gateway.http.body import BodyTooLargeError, Received
from portkey_gateway.http.failures import request_error, stream_error
from portkey_gateway.http.patience import Deadline, Patience
from portkey_gateway.info import GatewayInfo

URL = "https://gateway.example/v1/messages"
INFO = GatewayInfo(200, trace_id="trace-1")
TOO_LARGE = "the answer is larger than 268435456 bytes, or unpacks to more"
BROKE = f"the connection to {URL} broke in the middle of the answer"
NOT_REACHED = f"cannot reach {URL}"


@pytest.mark.parametrize(
    ("failure", "begun", "error_class", "text", "is_retryable", "may_be_charged"),
    [
        (httpx.ConnectError("refused"), False, APIConnectionError, f"{NOT_REACHED}: refused; is base_url right?", 1, 0),
        (httpx.ConnectError(""), False, APIConnectionError, f"{NOT_REACHED}: ConnectError; is base_url right?", 1, 0),
        (httpx.ProxyError("no"), False, APIConnectionError, f"{NOT_REACHED}: no; is base_url right?", 1, 0),
        (httpx.InvalidURL("bad"), False, APIConnectionError, f"{NOT_REACHED}: bad; is base_url right?", 0, 0),
        (httpx.UnsupportedProtocol("x"), False, APIConnectionError, f"{NOT_REACHED}: x; is base_url right?", 0, 0),
        (httpx.LocalProtocolError("x"), False, APIConnectionError, f"{NOT_REACHED}: x; is base_url right?", 0, 0),
        (httpx.TooManyRedirects("x"), False, APIConnectionError, f"{NOT_REACHED}: x; is base_url right?", 0, 0),
        (OverflowError("x"), False, APIConnectionError, f"{NOT_REACHED}: x; is base_url right?", 0, 0),
        (UnicodeError("x"), False, APIConnectionError, f"{NOT_REACHED}: x; is base_url right?", 0, 0),
        (httpx.ReadError("gone"), False, APIConnectionError, f"{NOT_REACHED}: no answer came, gone", 1, 1),
        (httpx.WriteError(""), False, APIConnectionError, f"{NOT_REACHED}: no answer came, WriteError", 1, 1),
        (httpx.DecodingError("x"), False, APIConnectionError, f"{NOT_REACHED}: no answer came, x", 1, 1),
        (httpx.ReadError("gone"), True, APIConnectionError, f"{BROKE}: gone", 1, 1),
        (httpx.RemoteProtocolError(""), True, APIConnectionError, f"{BROKE}: RemoteProtocolError", 1, 1),
    ],
)
def test_a_try_without_a_whole_response(
    failure: Exception, *, begun: bool, error_class: Any, text: str, is_retryable: int, may_be_charged: int
) -> None:
    error = request_error(failure, URL, "timeout=5 s", INFO if begun else None)
    assert type(error) is error_class
    assert error.message == text
    assert (error.is_retryable, error.may_be_charged) == (bool(is_retryable), bool(may_be_charged))
    assert error.info is (INFO if begun else None)
    assert error.__cause__ is failure


@pytest.mark.parametrize(
    ("failure", "may_be_charged"),
    [
        (httpx.ReadTimeout("x"), True),
        (httpx.ConnectTimeout("x"), False),
        (httpx.PoolTimeout("x"), False),
        (httpx.WriteTimeout("x"), False),
    ],
)
@pytest.mark.parametrize("info", [None, INFO])
def test_a_try_that_takes_too_long(failure: Exception, info: GatewayInfo | None, *, may_be_charged: bool) -> None:
    error = request_error(failure, URL, "total_timeout=5 s", info)
    assert type(error) is APITimeoutError
    assert error.message == f"no answer from {URL} within total_timeout=5 s ({type(failure).__name__})"
    assert (error.is_retryable, error.may_be_charged) == (True, may_be_charged)
    assert error.info is info
    assert error.__cause__ is failure


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (BodyTooLargeError(), TOO_LARGE),
        (httpx.DecodingError("no gzip"), "the body cannot be decompressed: no gzip"),
        (httpx.DecodingError(""), "the body cannot be decompressed: DecodingError"),
    ],
)
def test_a_response_that_cannot_be_taken(failure: Exception, text: str) -> None:
    error = request_error(failure, URL, "timeout=5 s", INFO)
    assert type(error) is InvalidResponseError
    assert (error.message, error.info, error.is_retryable) == (text, INFO, False)


@pytest.mark.parametrize(
    ("failure", "total_s", "error_class", "text", "is_retryable"),
    [
        (BodyTooLargeError(), None, StreamDecodeError, TOO_LARGE, False),
        (
            httpx.ReadTimeout("x"),
            None,
            StreamTimeoutError,
            "the stream went silent for longer than timeout; the answer is cut off",
            True,
        ),
        (
            httpx.ReadTimeout("x"),
            0.0,
            StreamTimeoutError,
            "the stream took longer than total_timeout; the answer is cut off",
            True,
        ),
        (httpx.DecodingError("bad"), None, StreamDecodeError, "the stream cannot be decompressed: bad", True),
        (
            httpx.ReadError("gone"),
            None,
            StreamInterruptedError,
            "the connection broke in the middle of the answer: gone",
            True,
        ),
        (
            httpx.RemoteProtocolError(""),
            None,
            StreamInterruptedError,
            "the connection broke in the middle of the answer: RemoteProtocolError",
            True,
        ),
    ],
)
def test_a_stream_that_breaks_off(
    failure: Exception, total_s: float | None, error_class: Any, text: str, *, is_retryable: bool
) -> None:
    reply: Any = None
    received: Received[Any] = Received(reply, INFO, Patience(None, Deadline(total_s)))
    error = stream_error(failure, received)
    assert type(error) is error_class
    assert (error.message, error.info) == (text, INFO)
    assert (error.is_retryable, error.may_be_charged) == (is_retryable, True)
    assert error.__cause__ is failure
