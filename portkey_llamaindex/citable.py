"""LlamaIndex's ``CitableBlock`` → what Claude cites, or text under its title for whoever cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from llama_index.core.base.llms.types import CitableBlock

from portkey_gateway.conversation.content import text_block
from portkey_gateway.conversation.request import ContentBlock

_CITED: Final = {"citations": {"enabled": True}}


def as_sources(block: CitableBlock, content: Sequence[ContentBlock]) -> list[ContentBlock]:
    """Say what may be cited: texts as one search result, each document as itself (Anthropic, "Search results").

    An image cannot be cited; it stands behind.

    Args:
        block: with its title and where it comes from.
        content: what it holds, encoded.
    """
    texts = [part for part in content if part["type"] == "text"]
    sources: list[dict[str, Any]] = []
    if texts:
        named = {"type": "search_result", "source": block.source, "title": block.title}
        sources.append({**named, "content": texts, **_CITED})
    for part in content:
        if part["type"] == "document":
            sources.append({**part, "title": block.title, "context": block.source, **_CITED})
        elif part["type"] != "text":
            sources.append({**part})
    return cast("list[ContentBlock]", sources)


def as_text(block: CitableBlock, content: Sequence[ContentBlock]) -> list[ContentBlock]:
    """Say the content under its title and where it comes from.

    Args:
        block: with both.
        content: what it holds, encoded.
    """
    return [text_block(f"{block.title} ({block.source}):"), *content]
