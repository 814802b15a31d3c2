"""One request, ready to be sent as often as it takes, and what to say of it when it fails. No I/O."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from portkey_gateway.error_bodies import decode_error
from portkey_gateway.errors import PortkeyError
from portkey_gateway.http.asked_keys import AskedKeys
from portkey_gateway.http.body import Received
from portkey_gateway.http.failures import request_error
from portkey_gateway.http.patience import Deadline, Patience
from portkey_gateway.http.redacting import Redacting
from portkey_gateway.http.reply import AsyncReply, Reply
from portkey_gateway.http.retry import RetryPolicy
from portkey_gateway.info import GatewayInfo, read_gateway_info
from portkey_gateway.targets import failed_before, read_config

_CONFIG_HEADER: Final = "x-portkey-config"
_TRACE_HEADER: Final = "x-portkey-trace-id"
_NOT_TRIED_AGAIN: Final = (
    "; the request was sent, so it may have been answered and charged: it is tried again only with "
    "retry_unanswered=True"
)


@dataclass(slots=True, eq=False)  # one is made for each call, and of a frozen class that takes several times as long
class Call:
    """One request, ready to be sent as often as it takes; nobody changes it."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout_s: float | None
    """Seconds without a byte after which the call fails; ``None`` waits for ever."""
    retry: RetryPolicy
    total_timeout_s: float | None = None
    """Seconds that the whole call may take, with all its tries; ``None`` for no end."""
    is_free: bool = False
    """Whether nothing is charged, or done, for it a second time."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts to be blotted out of whatever an error says."""
    method: str = "POST"
    keys: AskedKeys | None = field(default=None, repr=False)
    """Those that are asked for before each try."""
    deadline: Deadline | None = field(default=None, repr=False)
    """When the whole call has to be over, where it began before it could be sent: its media were fetched."""

    @property
    def all_headers(self) -> Mapping[str, str]:
        """The headers of the next try, with the keys that were asked for."""
        return {**self.headers, **self.keys.headers} if self.keys else self.headers

    def info(self, reply: Reply | AsyncReply) -> GatewayInfo:
        """What the gateway says of this call."""
        return read_gateway_info(reply.status, reply.headers, self.headers.get(_TRACE_HEADER))

    def decode_error(self, received: Received[Any], content: bytes, flaw: Exception | None) -> PortkeyError:
        """The exception for a response with an error status.

        Args:
            received: the response.
            content: its body, as far as it could be read.
            flaw: why that is not all of it.
        """
        info, config = received.info, read_config(self.headers.get(_CONFIG_HEADER, ""))
        failed = failed_before(config, info.target_index or "") if config else ()
        error = decode_error(content, info, failed, self.all_headers)
        if flaw is not None:
            what = "cannot be decompressed" if isinstance(flaw, httpx.DecodingError) else "broke off"
            error.message += f"; its body {what}: {str(flaw) or type(flaw).__name__}"
        return self._told(error)

    def request_error(self, failure: Exception, received: Received[Any] | None, patience: Patience) -> PortkeyError:
        """The exception for a try that brought no response, or no whole one."""
        timeout_s = self.total_timeout_s if patience.is_over else self.timeout_s
        bound = f"{'total_timeout' if patience.is_over else 'timeout'}={timeout_s} s"
        return self._told(request_error(failure, self.url, bound, received.info if received else None))

    def _told(self, error: PortkeyError) -> PortkeyError:
        """The same error, which says why it is not tried again."""
        error.may_be_charged &= not self.is_free
        if error.may_be_charged and self.retry.withholds(error):
            error.message += _NOT_TRIED_AGAIN
        return error

    def delay_s(self, error: PortkeyError, retries: int) -> float | None:
        """Seconds to wait before the next try, or ``None`` if there is to be none."""
        return self.retry.delay_s(error, retries, jitter=random.random())  # noqa: S311 jitter is no secret

    def redacted(self, error: PortkeyError) -> PortkeyError:
        """The same error with the secrets blotted out."""
        return self.redacting().redacted(error)

    def redacting(self) -> Redacting:
        """Blot the secrets out of an error raised inside: a context manager."""
        return Redacting(self.secrets, self.keys)
