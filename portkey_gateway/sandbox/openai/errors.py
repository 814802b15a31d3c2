"""The errors OpenAI's API answers with.

Source of statuses, types and shape: OpenAI's documentation, "Error codes", and `openai.types.shared.ErrorObject`.
"""

from typing import Any, Final, TypedDict

INVALID: Final = "invalid_request_error"

_TYPE_BY_STATUS: Final = {
    400: INVALID,
    401: INVALID,
    403: INVALID,
    404: INVALID,
    405: INVALID,
    413: INVALID,
    429: "requests",
}
_CODE_BY_STATUS: Final = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


class ErrorDetail(TypedDict):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(TypedDict):
    """The JSON body of every failed request."""

    error: ErrorDetail


class OpenAIError(Exception):
    """A request the emulated OpenAI refuses.

    Args:
        status: The HTTP status to answer with.
        message: What the client reads.
        param: The parameter that is wrong.
        code: OpenAI's name for this very error.
        error_type: OpenAI's name for this kind of error; by default the one that belongs to the status.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        error_type: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.type = error_type or _TYPE_BY_STATUS.get(status, "server_error")

    def __reduce__(self) -> tuple[Any, ...]:
        """Let pickle rebuild the error: its attributes follow as state."""
        return type(self), (self.status, self.message), self.__dict__

    def body(self) -> ErrorBody:
        """Return the JSON body that tells a client about this error."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def invalid(message: str, param: str | None = None, code: str | None = None) -> OpenAIError:
    """Return a 400 `invalid_request_error`."""
    return OpenAIError(400, message, param=param, code=code)


def unsupported_parameter(name: str, hint: str = "") -> OpenAIError:
    """Return the error for a parameter that this model does not take."""
    message = f"Unsupported parameter: '{name}' is not supported with this model.{hint}"
    return invalid(message, name, "unsupported_parameter")


def empty_array(path: str) -> OpenAIError:
    """Return the error for a list that must not be empty."""
    return invalid(
        f"Invalid '{path}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        path,
        "empty_array",
    )


def fault_body(status: int, error_type: str | None, message: str, _request_id: str) -> ErrorBody:
    """Return the body of an error that a test ordered; OpenAI's bodies do not name the request."""
    error = OpenAIError(status, message, code=_CODE_BY_STATUS.get(status), error_type=error_type)
    return error.body()
