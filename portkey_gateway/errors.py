"""Every way a call can fail, as one tree of exceptions, and the map from an HTTP status to its class.

```
PortkeyError
├── EncodingError (also ValueError)      the request cannot be built from what was given
│   ├── ContentError                     … because of one content block
│   └── MissingVariablesError            … because a prompt of the library misses variables (also KeyError)
├── PortkeyStatusError                   the gateway answered with an error status
│   ├── BadRequestError 400 ── ContextOverflowError
│   ├── AuthenticationError 401, PermissionDeniedError 403, NotFoundError 404, RequestTimeoutError 408,
│   │   ConflictError 409, BudgetExceededError 412, RequestTooLargeError 413, UnprocessableEntityError 422,
│   │   RateLimitError 429, GuardrailDeniedError 446
│   └── ServerError 5xx ── OverloadedError 529, GatewayFailureError (the gateway itself failed)
├── InvalidResponseError                 a success status whose body is not an answer
│   ├── ErrorInBodyError                 … but an error object
│   └── NotJSONError ── HTMLResponseError
├── APIConnectionError ── APITimeoutError
└── StreamError                          an answer that had begun broke off
    ├── StreamTruncatedError             it ended without its end mark
    ├── StreamProviderError              the provider reported an error in the middle
    ├── StreamDecodeError                an event could not be read
    ├── StreamInterruptedError           the connection was lost (also APIConnectionError)
    └── StreamTimeoutError               it went silent (also APITimeoutError)
```
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from portkey_gateway.info import GatewayInfo

# What may stand between the line that asks too much and the room that notices: ourselves, frameworks, their runners.
_NOT_THE_CALLERS: Final = frozenset(
    {
        "portkey_gateway", "portkey_langchain", "portkey_llamaindex", "langchain", "langchain_classic",
        "langchain_core", "langgraph", "llama_index", "llama_index_instrumentation", "workflows", "tenacity", "wrapt",
        "asyncio", "concurrent", "contextlib", "pydantic", "threading",
    }
)  # fmt: skip


class PortkeyWarning(UserWarning):
    """Something asked for will not reach the model as asked; the message says what and what to do."""


def warn(message: str) -> None:
    """Warn with a ``PortkeyWarning`` that points at the caller's own line, however deep below it this is noticed.

    Where nothing of the caller's is on the stack, as in a thread of a pool, it points at the outermost frame.
    """
    # Python 3.12 has ``skip_file_prefixes`` for this; 3.11 has not.
    frame = sys._getframe(1)  # noqa: SLF001 there is no other way to look at the callers without their source
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] in _NOT_THE_CALLERS:
        frame = frame.f_back
    warnings.warn_explicit(
        message,
        PortkeyWarning,
        filename=frame.f_code.co_filename,
        lineno=frame.f_lineno,
        module=frame.f_globals.get("__name__") or "<unknown>",  # of none at all, Python says nothing
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


class PortkeyError(Exception):
    """Base of everything this package raises about a call.

    Attributes:
        message: what happened, without the identifiers that ``str()`` appends.
        info: what the gateway said of the call in its response headers; ``None`` before an answer came.
        body: the response body, decoded from JSON where it was JSON, else its text; ``None`` without one.
        is_retryable: whether sending the same request again may succeed.
        may_be_charged: whether the request was sent and its answer lost: the provider may have done the work, and
            charge for it; a second try may be charged a second time.
        embedded: of many texts, by their places, the vectors that had come when one of their requests failed.
    """

    is_retryable: bool = False
    may_be_charged: bool = False
    embedded: Mapping[int, list[float]] = MappingProxyType({})

    def __init__(self, message: str, *, info: GatewayInfo | None = None, body: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.info = info
        self.body = body

    @property
    def status(self) -> int | None:
        """HTTP status of the response, if one came."""
        return self.info.status if self.info else None

    @property
    def request_id(self) -> str | None:
        """The provider's request id, if one came: in a header, else in the body of an error of Anthropic's."""
        in_body = self.body.get("request_id") if isinstance(self.body, dict) else None
        return (self.info.request_id if self.info else None) or (in_body if isinstance(in_body, str) else None)

    @property
    def trace_id(self) -> str | None:
        """The Portkey trace id of the call, if it had one."""
        return self.info.trace_id if self.info else None

    @property
    def provider(self) -> str | None:
        """The provider that answered, as the gateway names it."""
        return self.info.provider if self.info else None

    @property
    def target_index(self) -> str | None:
        """The target of a config that answered, such as ``config.targets[1].targets[0]``."""
        return self.info.target_index if self.info else None

    def __str__(self) -> str:
        """The message with the identifiers that support asks for."""
        known = {
            "status": self.status,
            "provider": self.provider,
            "target": self.target_index,
            "request id": self.request_id,
            "trace id": self.trace_id,
        }
        facts = ", ".join(f"{name} {value}" for name, value in known.items() if value)
        return f"{self.message} ({facts})" if facts else self.message


class EncodingError(PortkeyError, ValueError):
    """The request cannot be built from what was given; the message names the field and the fix."""


class ContentError(EncodingError):
    """A content block that nobody can send; the message names it."""


class MissingVariablesError(EncodingError, KeyError):
    """Variables of a prompt of the library are missing; a ``KeyError`` too, as LangChain's prompts raise it.

    Attributes:
        missing: their names.
    """

    def __init__(
        self, message: str, missing: tuple[str, ...] = (), *, info: GatewayInfo | None = None, body: Any = None
    ) -> None:
        super().__init__(message, info=info, body=body)
        self.missing = missing


class PortkeyStatusError(PortkeyError):
    """The gateway answered with an error status that has no class of its own."""


class BadRequestError(PortkeyStatusError):
    """HTTP 400: the provider or the gateway refused the request."""


class ContextOverflowError(BadRequestError):
    """HTTP 400 because the input exceeds the model's context window."""


class AuthenticationError(PortkeyStatusError):
    """HTTP 401: a key is missing or wrong."""


class PermissionDeniedError(PortkeyStatusError):
    """HTTP 403: the key may not do this."""


class NotFoundError(PortkeyStatusError):
    """HTTP 404: no such model or route."""


class RequestTimeoutError(PortkeyStatusError):
    """HTTP 408: the gateway's own ``request_timeout`` ran out."""

    is_retryable = True


class ConflictError(PortkeyStatusError):
    """HTTP 409: a conflict that may pass."""

    is_retryable = True


class BudgetExceededError(PortkeyStatusError):
    """HTTP 412: the budget or limit of the Portkey key is used up."""


class RequestTooLargeError(PortkeyStatusError):
    """HTTP 413: the body is larger than the provider accepts."""


class UnprocessableEntityError(PortkeyStatusError):
    """HTTP 422: understood, but not processable."""


class RateLimitError(PortkeyStatusError):
    """HTTP 429: too many requests; raised when the retries are used up."""

    is_retryable = True


class GuardrailDeniedError(PortkeyStatusError):
    """HTTP 446: a guardrail denied the request or the answer; ``hook_results`` of the body says which."""

    @property
    def hook_results(self) -> dict[str, Any]:
        """The guardrails' verdicts as the gateway reports them; empty if it reported none."""
        results = self.body.get("hook_results") if isinstance(self.body, dict) else None
        return results if isinstance(results, dict) else {}


class ServerError(PortkeyStatusError):
    """HTTP 5xx from the provider or on the way to it."""

    is_retryable = True


class OverloadedError(ServerError):
    """HTTP 529: Anthropic is overloaded."""


class GatewayFailureError(ServerError):
    """HTTP 5xx that the gateway itself produced, such as a provider's answer it could not read."""

    may_be_charged = True


class InvalidResponseError(PortkeyError):
    """A success status whose body is not an answer."""


class ErrorInBodyError(InvalidResponseError):
    """HTTP 200 whose body is an error object: the gateway could not read the provider's answer."""


class NotJSONError(InvalidResponseError):
    """A body that is not JSON."""


class HTMLResponseError(NotJSONError):
    """An HTML page, as a proxy or a wrong ``base_url`` sends it."""


class APIConnectionError(PortkeyError):
    """The gateway could not be reached, or the connection was lost before an answer came."""

    is_retryable = True


class APITimeoutError(APIConnectionError):
    """No answer came within the client's ``timeout``."""


class StreamError(PortkeyError):
    """An answer that had begun broke off: what was received is not the whole answer."""

    is_retryable = True
    may_be_charged = True


class StreamTruncatedError(StreamError):
    """The stream ended without its end mark; the gateway does so when the provider's connection is cut."""


class StreamProviderError(StreamError):
    """The provider reported an error in the middle of the answer.

    Attributes:
        error_type: the provider's own name for it, such as ``overloaded_error``.
    """

    _TRANSIENT: ClassVar = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})

    def __init__(
        self, message: str, *, info: GatewayInfo | None = None, body: Any = None, error_type: str = ""
    ) -> None:
        super().__init__(message, info=info, body=body)
        self.error_type = error_type
        self.is_retryable = error_type in self._TRANSIENT


class StreamDecodeError(StreamError):
    """An event of the stream is not the JSON object it has to be."""


class StreamInterruptedError(StreamError, APIConnectionError):
    """The connection to the gateway was lost in the middle of the answer."""


class StreamTimeoutError(StreamError, APITimeoutError):
    """The stream went silent for longer than the client's ``timeout``."""


CLASS_BY_STATUS: dict[int, type[PortkeyStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: RequestTimeoutError,
    409: ConflictError,
    412: BudgetExceededError,
    413: RequestTooLargeError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    446: GuardrailDeniedError,
    529: OverloadedError,
}
