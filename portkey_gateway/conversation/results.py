"""Results of tools where providers look for them: behind the calls, before anybody else speaks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portkey_gateway.conversation.request import Message
from portkey_gateway.errors import EncodingError


def with_results_behind_calls(messages: list[Message]) -> list[Message]:
    """Return the messages with the results of each answer's calls directly behind it.

    What a user said between the results of parallel calls comes after them: Anthropic and OpenAI take them in no other
    order. Most conversations have that order already, and are returned as they are.
    """
    if not any(_is_late(messages, index) for index, message in enumerate(messages) if message["role"] == "tool"):
        return messages
    ordered: list[Message] = []
    rest = [*messages]
    while rest:
        message = rest.pop(0)
        ordered.append(message)
        if message["role"] != "assistant" or not (asked := {name for name, _ in calls_of(message)}):
            continue
        end = next((index for index, each in enumerate(rest) if each["role"] == "assistant"), len(rest))
        turn = rest[:end]
        results = [each for each in turn if each["role"] == "tool" and each.get("tool_call_id") in asked]
        others = [each for each in turn if not (each["role"] == "tool" and each.get("tool_call_id") in asked)]
        ordered += results
        rest = [*others, *rest[end:]]
    return ordered


def check_results(messages: list[Message]) -> None:
    """Check that every call has its result directly behind it, and every result its call: Claude takes no other.

    Raises:
        EncodingError: naming the message and the remedy.
    """
    open_calls: dict[str, str] = {}
    asked_in = 0
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            call_id = str(message.get("tool_call_id"))
            if open_calls.pop(call_id, None) is None:
                raise EncodingError(
                    f"messages[{index}] is the result of a call {call_id!r} that the answer before it does not make: "
                    "keep the answer with its calls, or leave out the result"
                )
            continue
        _check_answered(open_calls, asked_in)
        if message["role"] == "assistant":
            open_calls, asked_in = dict(calls_of(message)), index
    _check_answered(open_calls, asked_in)


def calls_of(message: Message) -> Iterator[tuple[str, str]]:
    """The id and the name of every call in an answer, wherever it is told."""
    for call in message.get("tool_calls") or ():
        yield call["id"], call["function"]["name"]
    content: Any = message.get("content")
    if isinstance(content, list):
        for block in content:
            if block["type"] == "tool_use":
                yield block["id"], block["name"]


def _check_answered(open_calls: Mapping[str, str], index: int) -> None:
    for call_id, name in open_calls.items():
        raise EncodingError(
            f"messages[{index}] calls {name!r} ({call_id!r}), and no result follows: give a tool message with that id "
            "directly behind it (if it was not run, say so in it), or leave out the call"
        )


def _is_late(messages: list[Message], index: int) -> bool:
    return index > 0 and messages[index - 1]["role"] not in {"assistant", "tool"}
