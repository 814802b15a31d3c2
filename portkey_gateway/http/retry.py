"""Which failures are tried again, and how long to wait before: pure decisions, no clock and no sleep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from portkey_gateway.errors import PortkeyError, StreamError

_MOST_DOUBLINGS: Final = 64


@dataclass(slots=True)  # as that of a call
class RetryPolicy:
    """How often and how patiently a failed call is tried again.

    Only what fails before the first byte of an answer was handed on is tried again; and nothing that may have been
    charged, unless the user wants it, or the server says that it shall be tried again.
    """

    max_retries: int = 2
    """How many tries may follow the first one."""
    first_delay_s: float = 0.5
    """Seconds before the first new try; each further one waits twice as long."""
    max_delay_s: float = 8.0
    """Seconds that no wait of our own exceeds."""
    max_retry_after_s: float = 60.0
    """Seconds of the server's ``retry-after`` that we are willing to wait; longer, and the error is raised."""

    retry_unanswered: bool = False
    """Whether what was sent, and may be charged although no answer came, is tried again, too."""

    def delay_s(self, error: PortkeyError, retries: int, *, jitter: float) -> float | None:
        """Seconds to wait before trying again, or ``None`` if the error is to be raised.

        Args:
            error: what failed.
            retries: how many new tries were already made.
            jitter: from 0 to 1; takes off up to a quarter, so that clients do not come back all at once.
        """
        told = error.info.should_retry if error.info else None
        shall = error.is_retryable and not self.withholds(error) if told is None else told
        if retries >= self.max_retries or not shall or isinstance(error, StreamError):
            return None
        retry_after_s = error.info.retry_after_s if error.info else None
        if retry_after_s is not None:
            return retry_after_s if retry_after_s <= self.max_retry_after_s else None
        return min(self.first_delay_s * 2.0 ** min(retries, _MOST_DOUBLINGS), self.max_delay_s) * (1 - jitter / 4)

    def withholds(self, error: PortkeyError) -> bool:
        """Whether a call that may succeed is not tried again because it may be charged twice."""
        is_told = error.info is not None and error.info.should_retry is not None
        return error.may_be_charged and error.is_retryable and not (self.retry_unanswered or is_told)
