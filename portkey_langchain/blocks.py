"""LangChain content blocks → the gateway's, by the block's ``type``.

Understood are LangChain's standard blocks (v1) and their v0 forms, OpenAI's chat completions blocks and Anthropic's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from portkey_gateway.caching.breakpoints import encode_cache_control
from portkey_gateway.conversation.content import text_block
from portkey_gateway.conversation.request import (
    TOOL_CHANGES,
    CacheControl,
    ContentBlock,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
)
from portkey_gateway.errors import ContentError
from portkey_langchain.media import Block, encode_media, extras_of, required_text

TEXT_TYPES: Final = frozenset({"text", "input_text", "output_text"})
"""Text as LangChain, OpenAI and Anthropic write it."""
# Anthropic's own, which hold what Claude searches, cites or works with.
_POINT: Final = "cachePoint"
_AS_THEY_ARE: Final = frozenset({"search_result", "tool_reference", "container_upload"})


def content_blocks(content: str | list[str | dict[str, Any]]) -> list[Block]:
    """List a message's content as blocks: text as a text block, ``non_standard`` blocks unwrapped.

    Raises:
        ContentError: if it is neither text nor a list of blocks.
    """
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    blocks = [_unwrapped(block) for block in content]
    return _with_marks(blocks) if any(_POINT in block for block in blocks) else blocks


def encode_block(block: Block, *, where: str) -> ContentBlock:
    """Encode a block of a user's or a tool's message.

    Args:
        block: what LangChain hands over.
        where: its place, for the error text.

    Raises:
        ContentError: if nobody can send it.
    """
    mark = cache_control(block, where=where)
    if (text := _text(block, where)) is not None:
        return text_block(text, mark)
    if block.get("type") in _AS_THEY_ARE:
        return cast("ContentBlock", {**block})
    media = encode_media(block, where=where)
    if mark:
        media["cache_control"] = mark
    return media


def encode_text_block(block: Block, *, where: str) -> TextBlock:
    """Encode a block of a message that holds only text: system and developer messages.

    Raises:
        ContentError: if it is anything else.
    """
    text = _text(block, where)
    if text is None:
        raise ContentError(f"{where} is a block of type {block.get('type')!r}: a system message takes text only")
    return text_block(text, cache_control(block, where=where))


def encode_system_block(block: Block, *, where: str) -> ContentBlock:
    """Encode a block of a system message: text, or a change of the tools amid a conversation with Claude.

    Raises:
        ContentError: if it is anything else.
    """
    if block.get("type") in TOOL_CHANGES:
        return cast("ContentBlock", {**block})
    return encode_text_block(block, where=where)


def encode_thinking_block(block: Block) -> ThinkingBlock | RedactedThinkingBlock | None:
    """Encode Claude's reasoning for its replay; ``None`` for what Anthropic would refuse: reasoning without a proof."""
    if block.get("type") == "redacted_thinking":
        data = block.get("data")
        return {"type": "redacted_thinking", "data": data} if isinstance(data, str) else None
    thinking = block.get("thinking") or block.get("reasoning") or ""
    signature = block.get("signature") or extras_of(block).get("signature")
    if not isinstance(thinking, str) or not isinstance(signature, str):
        return None
    return {"type": "thinking", "thinking": thinking, "signature": signature}


def cache_control(block: Block, *, where: str) -> CacheControl | None:
    """The cache breakpoint on a block, if it has one; in standard blocks it stands under ``extras``.

    Raises:
        EncodingError: if it is not in Anthropic's form.
    """
    mark = block.get("cache_control") or extras_of(block).get("cache_control")
    return encode_cache_control(mark, where=where) if mark else None


def _with_marks(blocks: Sequence[Block]) -> list[Block]:
    """Bedrock's cache points, as langchain-aws writes them, as marks on the blocks before them."""
    marked: list[Block] = []
    for block in blocks:
        if _POINT not in block:
            marked.append(block)
        elif marked:
            point = block[_POINT]
            ttl = {"ttl": point["ttl"]} if isinstance(point, Mapping) and point.get("ttl") else {}
            marked[-1] = {**marked[-1], "cache_control": {"type": "ephemeral", **ttl}}
    return marked


def _unwrapped(block: Any) -> Block:
    if isinstance(block, str) or (isinstance(block, dict) and block.keys() == {"text"}):
        # The latter is Bedrock's own form of a text.
        return {"type": "text", "text": block if isinstance(block, str) else block["text"]}
    if not isinstance(block, dict) or not isinstance(block.get("type"), str | None):
        raise ContentError(f"content must be text or a list of content blocks, each with a type; got {block!r:.100}")
    value = block.get("value")
    return value if block.get("type") == "non_standard" and isinstance(value, dict) else block


def _text(block: Block, where: str) -> str | None:
    return required_text(block, "text", where=where) if block.get("type") in TEXT_TYPES else None
