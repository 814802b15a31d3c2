"""Keeps account of cached prompt prefixes as Anthropic does.

Rules, from Anthropic's documentation, "Prompt caching":

- A prefix is everything before and including a block marked with `cache_control`, in the order tools, system,
  messages. Only marked prefixes are written, and only those of `MIN_TOKENS` (Haiku: `MIN_TOKENS_HAIKU`) or more.
- A request reads the longest written prefix that ends at one of its own marks or at most `LOOKBACK_BLOCKS` blocks
  before one. What lies between there and its last mark is written; what follows the last mark is plain input.
- A prefix lives five minutes or one hour, and reading it starts that time anew.
- The tool choice and the thinking parameters count as part of the messages: changing them keeps tools and system.
- Marks themselves do not count: a prefix is the same whether a mark inside it moved or not.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from portkey_gateway.sandbox.claude import tokens

MIN_TOKENS: Final = 1024
MIN_TOKENS_HAIKU: Final = 2048
LOOKBACK_BLOCKS: Final = 20

_LIFETIME_S: Final = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True, slots=True)
class InputUsage:
    """Where the input tokens of one request came from; the four figures add up to all of them.

    Attributes:
        input_tokens: Tokens neither read from the cache nor written to it.
        read_tokens: Tokens read from the cache.
        write_5m_tokens: Tokens written for five minutes.
        write_1h_tokens: Tokens written for one hour.
    """

    input_tokens: int
    read_tokens: int = 0
    write_5m_tokens: int = 0
    write_1h_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """The end of one block: the prefix up to here, its tokens, and the lifetime asked for if the block is marked."""

    digest: str
    tokens: int
    ttl: str | None


@dataclass(slots=True)
class _Entry:
    ttl: str
    expires_at: float


class CacheLedger:
    """What is cached, per API key and model. Safe to use from any thread.

    Args:
        clock: Returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def account(self, api_key: str, body: Mapping[str, Any]) -> InputUsage:
        """Read and write the cache for one valid request and return its input usage."""
        positions = list(read_positions(f"{api_key}\n{body['model']}", body))
        total = tokens.count_tokens(body)
        marks = [i for i, position in enumerate(positions) if position.ttl and position.tokens >= minimum_tokens(body)]
        if not marks:
            return InputUsage(total)
        with self._lock:
            return self._settle(positions, marks, total)

    def clear(self) -> None:
        """Forget every prefix."""
        with self._lock:
            self._entries.clear()

    def _settle(self, positions: list[Position], marks: list[int], total: int) -> InputUsage:
        now = self._clock()
        self._entries = {digest: entry for digest, entry in self._entries.items() if entry.expires_at > now}
        hit = self._longest_hit(positions, marks)
        for index in [hit, *(mark for mark in marks if mark < hit)]:
            entry = self._entries.get(positions[index].digest) if index >= 0 else None
            if entry:
                entry.expires_at = now + _LIFETIME_S[entry.ttl]
        read = positions[hit].tokens if hit >= 0 else 0
        written = {"5m": 0, "1h": 0}
        reached = read
        for mark in marks:
            position = positions[mark]
            if mark <= hit or position.ttl is None:
                continue
            written[position.ttl] += position.tokens - reached
            reached = position.tokens
            self._entries[position.digest] = _Entry(position.ttl, now + _LIFETIME_S[position.ttl])
        return InputUsage(total - reached, read, written["5m"], written["1h"])

    def _longest_hit(self, positions: list[Position], marks: list[int]) -> int:
        """Return the index of the longest cached prefix within reach of a mark, or -1."""
        for mark in reversed(marks):
            for index in range(mark, max(-1, mark - LOOKBACK_BLOCKS - 1), -1):
                if positions[index].digest in self._entries:
                    return index
        return -1


def minimum_tokens(body: Mapping[str, Any]) -> int:
    """Return how long a prefix has to be to be cached at all."""
    return MIN_TOKENS_HAIKU if "haiku" in body["model"] else MIN_TOKENS


def read_positions(scope: str, body: Mapping[str, Any]) -> Iterator[Position]:
    """Yield the end of each block of a valid request.

    Args:
        scope: What a cache is shared within, such as the API key and the model.
        body: The request.
    """
    digest = hashlib.sha256(scope.encode())
    reached = 0
    blocks = list(_blocks(body))
    for index, (content, weight, marker) in enumerate(blocks):
        digest.update(json.dumps(_unmarked(content), sort_keys=True).encode())
        reached += weight
        if marker is None and index == len(blocks) - 1:
            marker = body.get("cache_control")  # noqa: PLW2901  # a mark at top level means the last block
        yield Position(digest.hexdigest(), reached, (marker.get("ttl") or "5m") if marker else None)


def _blocks(body: Mapping[str, Any]) -> Iterator[tuple[object, int, Mapping[str, Any] | None]]:
    """Yield each block in the order of the prefix: what identifies it, its tokens, its mark."""
    for tool in body.get("tools") or ():
        yield ["tool", tool], tokens.count_tool(tool), tool.get("cache_control")
    for block in _as_blocks(body.get("system") or []):
        yield ["system", block], tokens.count_block(block), _mark(block)
    settings = [body.get("tool_choice"), body.get("thinking")]
    for message in body["messages"]:
        frame = tokens.count_message({"role": message["role"], "content": []})
        for block in _as_blocks(message.get("content") or []):
            yield [settings, message["role"], block], frame + tokens.count_block(block), _mark(block)
            frame = 0


def _as_blocks(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _mark(block: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a block's mark; a mark inside a tool result's content counts as the result's own."""
    inner = block.get("content")
    nested = [part.get("cache_control") for part in inner if isinstance(part, dict)] if isinstance(inner, list) else []
    return block.get("cache_control") or next((mark for mark in reversed(nested) if mark), None)


def _unmarked(value: object) -> object:
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items() if key != "cache_control"}
    return [_unmarked(item) for item in value] if isinstance(value, list) else value
