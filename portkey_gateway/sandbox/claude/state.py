"""Everything one emulated Claude remembers between requests."""

from typing import Final

from portkey_gateway.sandbox.claude import sse
from portkey_gateway.sandbox.claude.batches import MessageBatches
from portkey_gateway.sandbox.claude.cache_ledger import CacheLedger
from portkey_gateway.sandbox.claude.errors import ClaudeError, ErrorBody, ErrorType
from portkey_gateway.sandbox.claude.reply import Reply
from portkey_gateway.sandbox.claude.scripted import script
from portkey_gateway.sandbox.serving.state import ProviderState
from portkey_gateway.sandbox.serving.trouble import Wording

_TYPE_BY_STATUS: Final[dict[int, ErrorType]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def _error_body(status: int, error_type: str | None, message: str, request_id: str) -> ErrorBody:
    error_type = error_type or _TYPE_BY_STATUS.get(status, "api_error")
    return ClaudeError(status, error_type, message).body(request_id)  # type: ignore[arg-type]  # tests may invent types


WORDING: Final = Wording(
    "request-id", _error_body, sse.encode, b"event: content_block_delta\ndata: {this is not JSON\n\n"
)
"""How Anthropic tells of a failure."""


class ClaudeState(ProviderState[Reply]):
    """The memory of one emulated Claude.

    Attributes:
        ledger: What is cached.
        batches: The message batches.
    """

    def __init__(self) -> None:
        super().__init__(WORDING, script)
        self.ledger = CacheLedger()
        self.batches = MessageBatches()

    def clear(self) -> None:
        """Forget everything, cached prefixes too."""
        super().clear()
        self.ledger.clear()
        self.batches.clear()
