"""What was said before, as Claude takes it back: nothing that waits for ever, no end in thoughts or white space. Pure.

Anthropic refuses a call of its own tools without a result once the user went on, a result without its call, an
assistant's message that ends with a thought, and one that the conversation ends with if its text ends in white space
(wording as its users published it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from portkey_gateway.conversation.plain import beside_plain
from portkey_gateway.conversation.request import Message

_SERVER_CALLS: Final = frozenset({"server_tool_use", "mcp_tool_use"})
_SERVED: Final = "_tool_result"
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})


def as_taken_back(messages: list[Message]) -> list[Message]:
    """Return the conversation without what Claude does not take back of its own answers.

    Args:
        messages: they are not changed; most conversations stay as they are.
    """
    told: dict[int, Message] = {}
    served: _Served | None = None
    last = len(messages) - 1
    for index, plain_or_not in beside_plain(messages):
        message = cast("Message", plain_or_not)
        content: Any = message.get("content")
        if message["role"] != "assistant" or not isinstance(content, list):
            continue
        kept = message
        if any(_is_of_a_server(block) for block in content):
            served = served or _Served(messages)
            kept = served.keep(message, index)
        blocks: Any = kept.get("content")
        if not message.get("tool_calls"):
            blocks = _without_silent_end(blocks)
        if kept is not message or len(blocks) < len(content):
            told[index] = cast("Message", {**kept, "content": blocks})
    if messages[last]["role"] == "assistant":
        told[last] = _with_trimmed_end(told.get(last, messages[last]))
    return [told.get(index, message) for index, message in enumerate(messages)] if told else messages


def _is_of_a_server(block: Mapping[str, Any]) -> bool:
    return block["type"] in _SERVER_CALLS or block["type"].endswith(_SERVED)


class _Served:
    """The calls of tools that a provider runs by itself, and their results, while a conversation is read."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._results = frozenset(_results(messages))
        # What Claude was about to do it goes on with where nobody spoke since but its own tools.
        self._waiting = next(index for index in reversed(range(len(messages))) if messages[index]["role"] != "tool")
        self._called: set[str] = set()

    def keep(self, message: Message, index: int) -> Message:
        """The message without calls that wait for ever and results of none; as it is, if it has none of these."""
        content: Any = message.get("content")
        gone: set[str] = set()
        kept = []
        for block in content:
            call_id = str(block.get("id"))
            if block["type"] in _SERVER_CALLS and index != self._waiting and call_id not in self._results:
                gone.add(call_id)
                continue
            if block["type"] in _SERVER_CALLS:
                self._called.add(call_id)
            elif block["type"].endswith(_SERVED) and str(block.get("tool_use_id")) not in self._called:
                continue
            kept.append(block)
        if len(kept) == len(content):
            return message
        parted: dict[str, Any] = {**message, "content": [_without_caller(block, gone) for block in kept]}
        if calls := message.get("tool_calls"):
            parted["tool_calls"] = [_without_caller(call, gone) for call in calls]
        return cast("Message", parted)


def _results(messages: Sequence[Message]) -> Iterator[str]:
    """The ids of the calls that have a result, in whichever answer."""
    for message in messages:
        content: Any = message.get("content")
        if message["role"] == "assistant" and isinstance(content, list):
            for block in content:
                if block["type"].endswith(_SERVED):
                    yield str(block.get("tool_use_id"))


def _without_caller(call: Mapping[str, Any], gone: set[str]) -> Mapping[str, Any]:
    """A call without the code that made it, if that is left out: the call has its own result."""
    if (call.get("caller") or {}).get("tool_id") not in gone:
        return call
    return {name: value for name, value in call.items() if name != "caller"}


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
