"""The errors Anthropic's API answers with.

Source of statuses, types and shape: Anthropic's API reference, "Errors".
"""

from typing import Literal, TypedDict

ErrorType = Literal[
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "timeout_error",
    "overloaded_error",
]


class ErrorDetail(TypedDict):
    """What went wrong."""

    type: str
    message: str


class ErrorBody(TypedDict):
    """The JSON body of every failed request."""

    type: Literal["error"]
    error: ErrorDetail
    request_id: str


class ClaudeError(Exception):
    """A request the emulated Claude refuses.

    Args:
        status: The HTTP status to answer with.
        error_type: Anthropic's name for this kind of error.
        message: What the client reads.

    Attributes:
        status: The HTTP status to answer with.
        type: Anthropic's name for this kind of error.
        message: What the client reads.
    """

    def __init__(self, status: int, error_type: ErrorType, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.type: ErrorType = error_type
        self.message = message

    def __reduce__(self) -> tuple[type["ClaudeError"], tuple[int, ErrorType, str]]:
        """Let pickle rebuild the error from all three arguments, not from the message alone."""
        return type(self), (self.status, self.type, self.message)

    def body(self, request_id: str) -> ErrorBody:
        """Return the JSON body that tells a client about this error."""
        return {"type": "error", "error": {"type": self.type, "message": self.message}, "request_id": request_id}


def invalid(message: str) -> ClaudeError:
    """Return a 400 `invalid_request_error`."""
    return ClaudeError(400, "invalid_request_error", message)


def not_found(message: str) -> ClaudeError:
    """Return a 404 `not_found_error`."""
    return ClaudeError(404, "not_found_error", message)
