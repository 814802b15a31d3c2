"""What was said before, as Claude takes it back: nothing that waits for ever, no end in thoughts or white space. Pure.

Anthropic refuses a call of its own tools without a result once the user went on, an assistant's message that ends with
a thought, and one that the conversation ends with if its text ends in white space (wording as its users published it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from portkey_gateway.conversation.request import Message

_SERVER_CALLS: Final = frozenset({"server_tool_use", "mcp_tool_use"})
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})


def as_taken_back(messages: list[Message]) -> list[Message]:
    """Return the conversation without what Claude does not take back of its own answers.

    Args:
        messages: they are not changed; most conversations stay as they are.
    """
    told: dict[int, Message] = {}
    served: frozenset[str] | None = None
    last = len(messages) - 1
    for index, message in enumerate(messages):
        content: Any = message.get("content")
        if message["role"] != "assistant" or not isinstance(content, list):
            continue
        kept = content
        # What Claude was about to do it goes on with where nobody spoke since, or once its own calls are answered.
        if index < last and not _calls(message) and any(block["type"] in _SERVER_CALLS for block in content):
            served = frozenset(_served(messages)) if served is None else served
            kept = [block for block in content if block["type"] not in _SERVER_CALLS or block.get("id") in served]
        if not message.get("tool_calls"):
            kept = _without_silent_end(kept)
        if len(kept) < len(content):
            told[index] = cast("Message", {**message, "content": kept})
    if messages[last]["role"] == "assistant":
        told[last] = _with_trimmed_end(told.get(last, messages[last]))
    return [told.get(index, message) for index, message in enumerate(messages)] if told else messages


def _calls(message: Message) -> bool:
    content: Any = message.get("content")
    return bool(message.get("tool_calls")) or any(block["type"] == "tool_use" for block in content)


def _served(messages: Sequence[Message]) -> Iterator[str]:
    """The ids of the calls that a provider ran by itself and gave a result of, in whichever answer."""
    for message in messages:
        content: Any = message.get("content")
        if message["role"] == "assistant" and isinstance(content, list):
            for block in content:
                if block["type"].endswith("_tool_result"):
                    yield str(block.get("tool_use_id"))


def _without_silent_end(blocks: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The blocks up to the last that says something: behind it are thoughts, and texts of white space about nothing."""
    end = len(blocks)
    while end and _is_silent(blocks[end - 1]):
        end -= 1
    return blocks if end == len(blocks) else blocks[:end]


def _is_silent(block: Mapping[str, Any]) -> bool:
    return block["type"] in _THOUGHTS or (block["type"] == "text" and not block["text"].strip())


def _with_trimmed_end(message: Message) -> Message:
    content: Any = message.get("content")
    if isinstance(content, str):
        return cast("Message", {**message, "content": content.rstrip()})
    if not content or content[-1]["type"] != "text" or message.get("tool_calls"):
        return message
    trimmed = {**content[-1], "text": content[-1]["text"].rstrip()}
    return cast("Message", {**message, "content": [*content[:-1], trimmed]})
