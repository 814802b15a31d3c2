"""Estimates tokens: the same request always weighs the same, and the parts add up to the whole.

Claude's tokenizer is not public. Text counts one token per four characters; images and PDFs count as Anthropic's
documentation says ("Vision": width x height / 750; "PDF support": text plus 1,500 tokens a page at least).
"""

import base64
import json
import math
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.sandbox.claude.media import inspect_image, inspect_pdf

CHARACTERS_PER_TOKEN: Final = 4

_MESSAGE_OVERHEAD: Final = 3
_PIXELS_PER_TOKEN: Final = 750
# Larger images are scaled down before Claude sees them. Source: Anthropic's documentation, "Vision".
_SCALED_SIDE_PX: Final = 1568
_MAX_IMAGE_TOKENS: Final = 1600
_PDF_PAGE_TOKENS: Final = 1500

Wire = Mapping[str, Any]


def count_tokens(body: Wire) -> int:
    """Count the input tokens of a valid request: its tools, its system prompt and its messages."""
    tools = sum(count_tool(tool) for tool in body.get("tools") or ())
    messages = sum(count_message(message) for message in body["messages"])
    return tools + count_content(body.get("system") or "") + messages


def count_message(message: Wire) -> int:
    """Count one message: its content and a few tokens for its frame."""
    return _MESSAGE_OVERHEAD + count_content(message.get("content") or "")


def count_content(content: str | list[Any]) -> int:
    """Count a string or a list of content blocks."""
    return count_text(content) if isinstance(content, str) else sum(count_block(block) for block in content)


def count_tool(tool: Wire) -> int:
    """Count a tool definition by its JSON text; where it is cached does not weigh."""
    return _count_json({key: value for key, value in tool.items() if key != "cache_control"})


def count_text(text: str) -> int:
    """Count a text. A longer text never weighs less than its beginning."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def count_output(block: Wire) -> int:
    """Count one block of an answer as Claude's output: what a tool of Anthropic's gave was not said by Claude."""
    return 0 if block["type"].endswith("_tool_result") else count_block(block)


def count_block(block: Wire) -> int:
    """Count one content block of a valid request."""
    match block["type"]:
        case "text" | "thinking" as text_key:
            return count_text(block[text_key])
        case "image":
            return _count_image(block["source"])
        case "document":
            return (
                count_text(block.get("title") or "") + count_text(block.get("context") or "") + _count_document(block)
            )
        case "tool_result":
            return count_text(block["tool_use_id"]) + count_content(block.get("content") or "")
        case _:
            return _count_json({key: value for key, value in block.items() if key != "cache_control"})


def _count_json(value: object) -> int:
    return count_text(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _count_image(source: Wire) -> int:
    if source["type"] != "base64":
        return _MAX_IMAGE_TOKENS  # its size is not known here: the most it can be
    facts = inspect_image(base64.b64decode(source["data"]))
    scale = min(1.0, _SCALED_SIDE_PX / max(facts.width, facts.height))
    pixels = facts.width * scale * facts.height * scale
    return min(_MAX_IMAGE_TOKENS, math.ceil(pixels / _PIXELS_PER_TOKEN))


def _count_document(block: Wire) -> int:
    source = block["source"]
    match source["type"]:
        case "base64":
            facts = inspect_pdf(base64.b64decode(source["data"]))
            return facts.pages * _PDF_PAGE_TOKENS + count_text(facts.text)
        case "text":
            return count_text(source["data"])
        case "content":
            return count_content(source["content"])
        case _:
            return _PDF_PAGE_TOKENS  # a document elsewhere: one page
