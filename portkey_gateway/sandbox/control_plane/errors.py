"""The errors that Portkey's services answer with.

Source of the shape: Portkey's help centre, "Error AB03"; of AB01 and AB08: its Terraform provider (`docs/`).
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

_CODES: Final[Mapping[int, str]] = {
    HTTPStatus.BAD_REQUEST: "AB01",
    HTTPStatus.FORBIDDEN: "AB03",
    HTTPStatus.NOT_FOUND: "AB08",
}


class ControlPlaneError(Exception):
    """A request that is refused.

    Args:
        status: The HTTP status to answer with.
        message: What the client reads.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def body(self) -> dict[str, Any]:
        """Return the JSON body that tells a client about this error."""
        code = {"errorCode": _CODES[self.status]} if self.status in _CODES else {}
        return {"success": False, "data": {"message": self.message, **code}}


def invalid(message: str) -> ControlPlaneError:
    """Return the error for a request that is wrong in itself."""
    return ControlPlaneError(HTTPStatus.BAD_REQUEST, f"Invalid request. Please check and try again. {message}")


def not_found(message: str) -> ControlPlaneError:
    """Return the error for what is not there."""
    return ControlPlaneError(HTTPStatus.NOT_FOUND, message)


def fault_body(status: int, _error_type: str | None, message: str, _request_id: str) -> Mapping[str, Any]:
    """Return the body of an error that a test ordered."""
    return ControlPlaneError(status, message).body()
