"""Whether an answer's content has to be a list of blocks from its beginning on: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.conversation.claude import thinks
from portkey_gateway.conversation.plain import beside_plain
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.models.claude import has_every_effort, thinks_unasked

# A fallback to another model is told in a block of its own.
_OF_CLAUDE_ALONE: Final = ("mcp_servers", "container", "context_management", "fallbacks")
_PLAIN: Final = frozenset({"text", "tool_use"})
_CITED: Final = frozenset({"search_result", "document"})


def is_told_in_blocks(request: ChatRequest) -> bool:
    """Tell whether more than text is to be expected of the answer.

    A stream cannot take back a text that it began as a string, only the sum of its chunks can (``late_list``). So what
    may be thought, searched or cited is a list from its first chunk on, in the whole answer too; any other answer is a
    string as long as it is text alone.

    Args:
        request: what is sent.
    """
    asked: Mapping[str, Any] = request
    model, thinking = str(asked.get("model")), asked.get("thinking")
    # Of these models an effort is sent with the wish to see the thoughts.
    shows_thoughts = has_every_effort(model) and bool(asked.get("reasoning_effort"))
    if thinks(thinking) or (not thinking and (thinks_unasked(model) or shows_thoughts)):
        return True
    if any(asked.get(name) for name in _OF_CLAUDE_ALONE):
        return True
    if any("function" not in tool and "input_schema" not in tool for tool in asked.get("tools") or ()):
        return True
    return any(_holds_more_than_text(message) for _, message in beside_plain(asked["messages"]))


def _holds_more_than_text(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    if not isinstance(content, list):
        return False
    if message["role"] == "assistant":
        return any(block["type"] not in _PLAIN for block in content)
    return any(map(_is_cited, content))


def _is_cited(block: Mapping[str, Any]) -> bool:
    return block["type"] in _CITED and bool((block.get("citations") or {}).get("enabled"))
