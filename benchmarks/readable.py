"""What of each request could have been read from Claude's prompt cache, and what was, by the bodies that arrived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from portkey_gateway.caching.turns import READ, WRITE_5M
from portkey_gateway.sandbox.claude.cache_ledger import CacheLedger, minimum_tokens, read_positions


@dataclass(frozen=True, slots=True)
class CacheShare:
    """Input tokens of some requests."""

    calls: int
    input_tokens: int
    readable_tokens: int
    """What some earlier request had begun with too, to the very block: a cache that keeps everything would read it."""
    read_tokens: int
    written_tokens: int

    @property
    def share(self) -> float:
        """How much of what could be read was read, from 0 to 1."""
        return self.read_tokens / self.readable_tokens if self.readable_tokens else 1.0

    @property
    def paid(self) -> float:
        """What the input costs, of what it would cost without a cache, by Anthropic's multipliers for five minutes."""
        fresh = self.input_tokens - self.read_tokens - self.written_tokens
        return (fresh + WRITE_5M * self.written_tokens + READ * self.read_tokens) / self.input_tokens


def measure_share(bodies: Iterable[Mapping[str, Any]]) -> CacheShare:
    """Take account of requests that reached Claude, one after the other and within five minutes.

    Args:
        bodies: of valid requests, in their order.
    """
    ledger = CacheLedger()
    sent: set[str] = set()
    calls = total = readable = read = written = 0
    for body in bodies:
        positions = list(read_positions(str(body["model"]), body))
        shared = [position.tokens for position in positions if position.digest in sent]
        readable += max((tokens for tokens in shared if tokens >= minimum_tokens(body)), default=0)
        sent.update(position.digest for position in positions)
        spent = ledger.account("", body)
        calls += 1
        total += positions[-1].tokens
        read += spent.read_tokens
        written += spent.write_5m_tokens + spent.write_1h_tokens
    return CacheShare(calls, total, readable, read, written)
