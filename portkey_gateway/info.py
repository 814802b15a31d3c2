"""What the gateway says of one call in its response status and headers: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

_SHOULD_RETRY = {"true": True, "false": False}
_FAILED = int(HTTPStatus.BAD_REQUEST)
_INTEGER = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """What the gateway says of one call in its response status and headers."""

    status: int = 200
    """HTTP status; 246 is a success although a guardrail's check failed."""
    trace_id: str | None = None
    """The trace id that the gateway used, else the one that was sent."""
    request_id: str | None = None
    """The provider's request id."""
    provider: str | None = None
    """The provider that answered."""
    cache_status: str | None = None
    """The gateway's response cache: HIT, SEMANTIC HIT, MISS, SEMANTIC MISS, REFRESH or DISABLED."""
    target_index: str | None = None
    """Which target of a config answered, such as ``config.targets[0]``."""
    retry_count: int | None = None
    """How often the gateway itself tried again."""
    is_gateway_exception: bool = False
    """True if the gateway itself failed."""
    retry_after_s: float | None = None
    """Seconds to wait before trying again, as ``retry-after-ms`` or ``retry-after`` say."""
    should_retry: bool | None = None
    """Whether to try again, as OpenAI and Anthropic say in ``x-should-retry``; ``None`` where nothing is said."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """All of them, by lower-case names, for those who ask (``include_response_headers``)."""

    @property
    def is_cached(self) -> bool:
        """Whether the answer comes out of the gateway's response cache, and no provider was asked."""
        return self.cache_status in {"HIT", "SEMANTIC HIT"}


def read_gateway_info(status: int, headers: Mapping[str, str], sent_trace_id: str | None = None) -> GatewayInfo:
    """Read response headers, given with lower-case names or a case-insensitive mapping.

    Args:
        status: the HTTP status.
        headers: the response headers; a ``dict`` has lower-case names, and is kept.
        sent_trace_id: the trace id of the request; the open-source gateway does not always return it.
    """
    retry_count = headers.get("x-portkey-retry-attempt-count") or ""
    return GatewayInfo(
        status=status,
        trace_id=headers.get("x-portkey-trace-id") or sent_trace_id,
        request_id=headers.get("request-id") or headers.get("x-request-id"),
        provider=headers.get("x-portkey-provider") or None,
        cache_status=headers.get("x-portkey-cache-status") or None,
        target_index=headers.get("x-portkey-last-used-option-index") or None,
        retry_count=int(retry_count) if _INTEGER.fullmatch(retry_count) else None,
        is_gateway_exception=headers.get("x-portkey-gateway-exception") == "true",
        retry_after_s=_read_retry_after(headers) if status >= _FAILED else None,
        should_retry=_SHOULD_RETRY.get(headers.get("x-should-retry") or ""),
        # Those of our own connections are as they shall be.
        headers=headers if type(headers) is dict else {name.lower(): value for name, value in headers.items()},
    )


def _read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from OpenAI's ``retry-after-ms`` or HTTP's ``retry-after`` (RFC 9110, 10.2.3: seconds or a date)."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name) or ""
        try:
            return max(0.0, float(text) * unit_s)
        except ValueError:
            continue
    try:
        when = parsedate_to_datetime(headers.get("retry-after") or "")
        return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):  # no date, or one that no clock knows
        return None
