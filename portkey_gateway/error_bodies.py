"""Bodies that tell of an error, in every shape the gateway sends → the exceptions to raise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic_core import from_json

from portkey_gateway.errors import (
    CLASS_BY_STATUS,
    BadRequestError,
    ContextOverflowError,
    ErrorInBodyError,
    GatewayFailureError,
    HTMLResponseError,
    InvalidResponseError,
    NotJSONError,
    PortkeyStatusError,
    ServerError,
)
from portkey_gateway.info import GatewayInfo
from portkey_gateway.remedies import NO_LIBRARY, NOT_SERVED, WAITED_IN_VAIN, remedy

_BODY_EXCERPT_LENGTH: Final = 500
_HTML = re.compile(rb"\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
# Anthropic: "prompt is too long: 210000 tokens > 200000 maximum" and "input length and `max_tokens` exceed context
# limit: …"; OpenAI: code "context_length_exceeded".
_CONTEXT_OVERFLOW = re.compile(
    r"prompt is too long|exceed context limit|context_length_exceeded|maximum context length", re.IGNORECASE
)

_UNANSWERED: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT, 524})
"""Statuses of who waited in vain for an answer that may still be worked at; 524 is Cloudflare's."""
_FETCH_FAILED: Final = "fetch failed Cause: "
_NEVER_SENT: Final = re.compile(r"ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ConnectTimeout|CERT_")
"""Causes of Node's ``fetch failed``, which the open-source gateway tells of its own request, where nothing was sent."""


def read_json(content: bytes) -> Any:
    """Read a body or an event, whole or streamed.

    Raises:
        ValueError: if it is not JSON.
    """
    try:
        return from_json(content)
    except ValueError:
        # It refuses half a surrogate pair, which the gateway writes where it cuts a cached answer inside an emoji
        # (``OpenAIChatCompleteJSONToStreamResponseTransform``); the standard library takes it.
        try:
            return json.loads(content)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def decode_error(
    content: bytes, info: GatewayInfo, failed_before: Iterable[str] = (), sent: Mapping[str, str] | None = None
) -> PortkeyStatusError:
    """Turn a response with an error status into the exception to raise.

    Args:
        content: the response body.
        info: the response's status and headers.
        failed_before: the targets of a fallback that failed before this one, of whose errors the gateway tells nothing.
        sent: the headers of the request, which tell what to do about the error.
    """
    body = _decode_body(content)
    message, error_type = _describe(body, is_html=is_html(content), status=info.status)
    error_class = CLASS_BY_STATUS.get(info.status)
    if error_class is None:
        is_server_error = info.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        error_class = ServerError if is_server_error else PortkeyStatusError
        failed_itself = info.is_gateway_exception or (isinstance(body, dict) and body.get("status") == "failure")
        if is_server_error and failed_itself:
            error_class = GatewayFailureError
    elif error_class is BadRequestError and _CONTEXT_OVERFLOW.search(f"{error_type} {message}"):
        error_class = ContextOverflowError
    text = f"{error_type}: {message}" if error_type else message
    text += remedy(info, body, message, sent or {})
    if failed := ", ".join(failed_before):
        text += f"; before it {failed} failed, for reasons that the gateway does not tell"
    error = error_class(text, info=info, body=body)
    lasts = NOT_SERVED in message or message.startswith(NO_LIBRARY)
    error.is_retryable &= not (error_class is GatewayFailureError and lasts)
    # The next try would take as long, and be paid for, too.
    error.is_retryable &= WAITED_IN_VAIN not in message
    cause = message.partition(_FETCH_FAILED)[2]
    error.may_be_charged |= info.status in _UNANSWERED or bool(cause and not _NEVER_SENT.search(cause))
    return error


def decode_not_an_answer(
    content: bytes, info: GatewayInfo, text: str = "The body is JSON but not what this route answers with"
) -> InvalidResponseError:
    """Turn a response with a success status but without an answer into the exception to raise.

    Args:
        content: the response body.
        info: the response's status and headers.
        text: what to say of a body that is JSON and no error.
    """
    body = _decode_body(content)
    if isinstance(body, dict) and body.get("error"):
        message, error_type = _describe(body, is_html=False, status=info.status)
        text = f"The body is an error although the status is {info.status}: {message}"
        return ErrorInBodyError(f"{text} [{error_type}]" if error_type else text, info=info, body=body)
    if is_html(content):
        return HTMLResponseError(
            "An HTML page came instead of an answer: is base_url the gateway's, and no proxy in between?",
            info=info,
            body=body,
        )
    if isinstance(body, str):
        return NotJSONError(f"The body is not JSON: {body[:_BODY_EXCERPT_LENGTH]!r}", info=info, body=body)
    return InvalidResponseError(text, info=info, body=body)


def is_html(content: bytes) -> bool:
    """Tell whether a body starts as an HTML page does."""
    return _HTML.match(content) is not None


def _decode_body(content: bytes) -> Any:
    try:
        return read_json(content)
    except ValueError:
        return content.decode("utf-8", "replace")


def _describe(body: Any, *, is_html: bool, status: int) -> tuple[str, str]:
    """Find the message and the error type in any error shape the gateway sends."""
    if is_html:
        return f"HTTP {status} with an HTML page, as a proxy on the way sends it", ""
    if not isinstance(body, dict):
        return str(body)[:_BODY_EXCERPT_LENGTH] or f"HTTP {status} without a body", ""
    error = body.get("error")
    if "html-message" in body:
        # Of the gateway's own request to the provider (``handlers/handlerUtils.ts``), as lines.
        return " ".join(str(body["html-message"]).split())[:_BODY_EXCERPT_LENGTH], ""
    if isinstance(error, dict):
        return str(error.get("message") or error), str(error.get("type") or error.get("code") or "")
    data = body.get("data")
    if isinstance(data, dict) and body.get("success") is False:
        # Portkey's own services (its help centre, "Error AB03").
        return str(data.get("message") or data), str(data.get("errorCode") or "")
    return str(body.get("message") or error or body)[:_BODY_EXCERPT_LENGTH], ""
