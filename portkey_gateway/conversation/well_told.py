"""What of an answer is handed on as it came, and has to be of the type that its readers take it for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# By these LangChain and LlamaIndex look things up.
_TEXTS = ("type", "id", "name", "tool_use_id")


def check_block(block: Mapping[str, Any]) -> None:
    """Look at a block of a kind of its own.

    Raises:
        TypeError: if its kind or its name is no text.
    """
    for name in _TEXTS:
        if not isinstance(block.get(name), str | None):
            raise TypeError(f"the {name} of a block is no text")


def check_citations(citations: Any) -> None:
    """Look at what a text cites.

    Raises:
        TypeError: if that is no list of objects, each with the name of its kind.
    """
    if not citations:
        return
    if not (isinstance(citations, list) and all(isinstance(one, dict) for one in citations)):
        raise TypeError("citations are no list of objects")
    for citation in citations:
        check_block(citation)
