"""What httpx raises → the exceptions to raise, and whether what failed may have been charged. No I/O."""

from __future__ import annotations

from typing import Any, Final

import httpx

from portkey_gateway.errors import (
    APIConnectionError,
    APITimeoutError,
    InvalidResponseError,
    PortkeyError,
    StreamDecodeError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from portkey_gateway.http.body import MAX_BODY_BYTES, BodyTooLargeError, Received
from portkey_gateway.info import GatewayInfo

FAILURES: Final = (httpx.RequestError, httpx.InvalidURL, BodyTooLargeError, OverflowError, UnicodeError)
"""What may fail in a try; the last two, of an address that cannot be, come through httpx from the libraries below."""

# What a second try would meet again.
_LASTING: Final = (
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.TooManyRedirects,
    OverflowError,
    UnicodeError,
)
# What happens before a whole request has left: nobody can have worked at it.
_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.WriteTimeout,
    *_LASTING,
)
_TOO_LARGE: Final = f"the answer is larger than {MAX_BODY_BYTES} bytes, or unpacks to more"


def request_error(failure: Exception, url: str, bound: str, info: GatewayInfo | None) -> PortkeyError:
    """The exception for a try that brought no response, or no whole one.

    Args:
        failure: one of ``FAILURES``.
        url: where it was sent.
        bound: the timeout that holds, by its name.
        info: what the response said, if one began.
    """
    if isinstance(failure, BodyTooLargeError):
        return InvalidResponseError(_TOO_LARGE, info=info)
    if info is not None and isinstance(failure, httpx.DecodingError):
        return InvalidResponseError(f"the body cannot be decompressed: {_reason(failure)}", info=info)
    error: APIConnectionError
    if isinstance(failure, httpx.TimeoutException):
        error = APITimeoutError(f"no answer from {url} within {bound} ({type(failure).__name__})", info=info)
    elif info is not None:
        text = f"the connection to {url} broke in the middle of the answer: {_reason(failure)}"
        error = APIConnectionError(text, info=info)
    elif isinstance(failure, _NOT_SENT):
        error = APIConnectionError(f"cannot reach {url}: {_reason(failure)}; is base_url right?")
    else:
        error = APIConnectionError(f"cannot reach {url}: no answer came, {_reason(failure)}")
    error.is_retryable = not isinstance(failure, _LASTING)
    error.may_be_charged = not isinstance(failure, _NOT_SENT)
    return _caused(error, failure)


def stream_error(failure: Exception, received: Received[Any]) -> PortkeyError:
    """The exception for a streamed answer that breaks off.

    Args:
        failure: one of ``FAILURES``.
        received: its response.
    """
    info = received.info
    if isinstance(failure, BodyTooLargeError):
        return _caused(_lasting(StreamDecodeError(_TOO_LARGE, info=info)), failure)
    if isinstance(failure, httpx.TimeoutException):
        what = "took longer than total_timeout" if received.patience.is_over else "went silent for longer than timeout"
        return _caused(StreamTimeoutError(f"the stream {what}; the answer is cut off", info=info), failure)
    if isinstance(failure, httpx.DecodingError):
        return _caused(StreamDecodeError(f"the stream cannot be decompressed: {_reason(failure)}", info=info), failure)
    text = f"the connection broke in the middle of the answer: {_reason(failure)}"
    return _caused(StreamInterruptedError(text, info=info), failure)


def _lasting(error: PortkeyError) -> PortkeyError:
    error.is_retryable = False
    return error


def _caused(error: PortkeyError, failure: Exception) -> PortkeyError:
    error.__cause__ = failure
    return error


def _reason(failure: Exception) -> str:
    return str(failure) or type(failure).__name__
