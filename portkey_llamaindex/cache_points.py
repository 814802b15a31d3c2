"""LlamaIndex's ``CachePoint`` → a cache breakpoint on the block before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from llama_index.core.base.llms.types import CachePoint

from portkey_gateway.caching.breakpoints import encode_cache_control
from portkey_gateway.conversation.request import CacheControl
from portkey_gateway.errors import EncodingError


def cache_control(point: CachePoint, path: str) -> CacheControl:
    """Encode a cache breakpoint.

    Args:
        point: as LlamaIndex has it.
        path: its place, for the error text.

    Raises:
        EncodingError: if Anthropic does not know it.
    """
    mark = {"type": point.cache_control.type}
    # Five minutes are Anthropic's default and LlamaIndex's; saying so would be one more thing for a gateway to drop.
    if point.cache_control.ttl != "5m":
        mark["ttl"] = point.cache_control.ttl
    return encode_cache_control(mark, where=path)


def mark_last(blocks: Sequence[Any], mark: CacheControl, path: str) -> None:
    """Set a cache breakpoint on the last block.

    Raises:
        EncodingError: if there is none, or none that Anthropic takes a mark on.
    """
    if not blocks:
        raise EncodingError(f"{path} marks nothing for the cache: put the CachePoint after a block that is sent")
    last = cast("dict[str, Any]", blocks[-1])
    if last["type"] in {"thinking", "redacted_thinking"}:
        raise EncodingError(f"{path} marks thinking for the cache, which Anthropic refuses: mark the block before")
    last["cache_control"] = mark
