"""Remembers the latest requests, so that a test can look at what really arrived."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

MAX_LOGGED_REQUESTS: Final = 1000

_KEY_HEADERS: Final = frozenset({"x-api-key", "authorization", "x-portkey-api-key"})
# The public beginnings of keys, the longest first.
_KEY_PREFIXES: Final = ("sk-ant-", "sk-proj-", "sk-")


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request and how it was answered.

    Attributes:
        method: The HTTP method.
        path: The path, without the query.
        headers: All headers by their lower-case names; keys are masked.
        body: The parsed JSON body; the text when it was not JSON; None when there was none.
        status: The HTTP status answered.
        request_id: The `request-id` header answered.
        time: When it was answered, in seconds since the epoch.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    status: int
    request_id: str
    time: float

    def to_json(self) -> dict[str, Any]:
        """Return the entry as JSON values."""
        return asdict(self)


class RequestLog:
    """A bounded log of requests; the oldest ones are forgotten first. Safe to use from any thread."""

    def __init__(self, limit: int = MAX_LOGGED_REQUESTS) -> None:
        self._lock = threading.Lock()
        self._entries: deque[LoggedRequest] = deque(maxlen=limit)

    def add(self, entry: LoggedRequest) -> None:
        """Remember one request."""
        with self._lock:
            self._entries.append(entry)

    def entries(self, *, contains: str | None = None, limit: int | None = None) -> list[LoggedRequest]:
        """Return the remembered requests, oldest first.

        Args:
            contains: Only those whose body contains this text.
            limit: Only this many of the latest ones.
        """
        with self._lock:
            found = list(self._entries)
        if contains is not None:
            found = [entry for entry in found if contains in body_text(entry.body)]
        return found if limit is None else found[max(0, len(found) - limit) :]

    def remember(self, limit: int) -> None:
        """Remember so many requests from now on."""
        with self._lock:
            self._entries = deque(self._entries, maxlen=limit)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._entries.clear()


def body_text(body: object) -> str:
    """Return a body as the text in which `contains` and `match` look: its JSON, with no character escaped to ASCII."""
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def mask_keys(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with their keys hidden; of a key of the right shape its public prefix stays."""
    return {name: _mask(value) if name in _KEY_HEADERS else value for name, value in headers.items()}


def _mask(key: str) -> str:
    bare = key.removeprefix("Bearer ")
    return next((f"{prefix}…" for prefix in _KEY_PREFIXES if bare.startswith(prefix)), "…")
