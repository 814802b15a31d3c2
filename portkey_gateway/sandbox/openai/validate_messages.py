"""The rules of messages: no empty list, names, and each tool call answered at once by a tool message.

Source: OpenAI's API reference, "Create chat completion", and its guide "Function calling".
"""

import re
from typing import Final

from portkey_gateway.sandbox.openai.errors import empty_array, invalid
from portkey_gateway.sandbox.openai.parts import Wire
from portkey_gateway.sandbox.openai.validate_parameters import check_length
from portkey_gateway.sandbox.openai.validate_tools import check_function_name

_NAME: Final = re.compile(r"[^\s<|\\/>]+")
_LONGEST_NAME: Final = 64
_LONGEST_CALL_ID: Final = 40


def validate_messages(request: Wire) -> None:
    """Check the messages.

    Raises:
        OpenAIError: A rule is broken.
    """
    messages: list[Wire] = request["messages"]
    if not messages:
        raise empty_array("messages")
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        if message.get("content") == []:
            raise empty_array(f"{path}.content")
        if "name" in message:
            _check_name(message["name"], f"{path}.name")
        if message["role"] == "assistant":
            _check_assistant(message, index)
    _check_answers(messages)


def _check_name(name: str, path: str) -> None:
    check_length(path, name, _LONGEST_NAME)
    if not _NAME.fullmatch(name):
        raise invalid(
            f"Invalid '{path}': string does not match pattern. Expected a string that matches the pattern "
            f"'^{_NAME.pattern}$'.",
            path,
            "invalid_value",
        )


def _check_assistant(message: Wire, index: int) -> None:
    if message.get("tool_calls") == []:
        raise empty_array(f"messages[{index}].tool_calls")
    says = ("content", "tool_calls", "function_call", "refusal", "audio")
    if all(message.get(key) is None for key in says):
        raise invalid("Invalid value for 'content': expected a string, got null.", f"messages.[{index}].content")
    for position, call in enumerate(message.get("tool_calls") or ()):
        path = f"messages[{index}].tool_calls[{position}]"
        check_length(f"{path}.id", call["id"], _LONGEST_CALL_ID)
        check_function_name(call[call["type"]]["name"], f"{path}.{call['type']}.name")


def _check_answers(messages: list[Wire]) -> None:
    """Check that the tool messages behind each assistant message answer its calls, all of them and no others."""
    waiting: list[str] | None = None
    known: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if waiting is None:
                raise invalid(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.",
                    f"messages.[{index}].role",
                )
            if message["tool_call_id"] not in known:
                raise invalid(
                    f"Invalid parameter: 'tool_call_id' of '{message['tool_call_id']}' not found in 'tool_calls' of "
                    "previous message.",
                    f"messages.[{index}].tool_call_id",
                )
            waiting = [call_id for call_id in waiting if call_id != message["tool_call_id"]]
            continue
        _check_none_waits(waiting, index)
        known = [call["id"] for call in message.get("tool_calls") or ()]
        waiting = list(known) if known else None
    _check_none_waits(waiting, len(messages))


def _check_none_waits(waiting: list[str] | None, index: int) -> None:
    if waiting:
        raise invalid(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}",
            f"messages.[{index}].role",
        )
