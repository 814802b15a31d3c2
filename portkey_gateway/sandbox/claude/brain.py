"""Decides what the emulated Claude says."""

from collections.abc import Mapping
from typing import Any

from portkey_gateway.sandbox.claude.reply import Reply


def think(body: Mapping[str, Any]) -> Reply:
    """Return the answer to a valid request."""
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else " ".join(block.get("text", "") for block in content)
    return Reply(({"type": "text", "text": f"Hello! You said: {text}"},))
