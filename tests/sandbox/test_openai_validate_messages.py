"""The protocol of messages: names, ids, and each tool call answered at once."""

from typing import Any

import pytest

from portkey_gateway.sandbox.openai.errors import OpenAIError
from portkey_gateway.sandbox.openai.validate import validate

Message = dict[str, Any]
USER: Message = {"role": "user", "content": "Hi"}


def call(call_id: str = "call_1", name: str = "f") -> Message:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": "{}"}}


def calls(*made: Message) -> Message:
    return {"role": "assistant", "tool_calls": list(made)}


def result(call_id: str = "call_1") -> Message:
    return {"role": "tool", "tool_call_id": call_id, "content": "1"}


@pytest.mark.parametrize(
    "messages",
    [
        [USER],
        [{"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Be kind."}, USER],
        [USER, USER, {"role": "assistant", "content": "Yes"}],
        [USER, calls(call()), result()],
        [USER, calls(call("a"), call("b")), result("b"), result("a"), USER],
        [USER, calls(call("a")), result("a"), calls(call("a")), result("a")],
        [USER, {"role": "assistant", "content": None, "refusal": "No."}, USER],
        [
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
        ],
        [{"role": "user", "content": "Hi", "name": "Ada.L"}],
        [{"role": "user", "content": ""}],
    ],
)
def test_it_is_taken(messages: list[Message]) -> None:
    validate({"model": "gpt-4o", "messages": messages})


@pytest.mark.parametrize(
    ("messages", "message", "param", "code"),
    [
        ([], "Invalid 'messages': empty array.", "messages", "empty_array"),
        ([{"role": "user", "content": []}], "empty array", "messages[0].content", "empty_array"),
        (
            [USER, result()],
            "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
            "messages.[1].role",
            None,
        ),
        (
            [USER, calls(call()), result(), USER, result()],
            "must be a response to a preceeding message",
            "messages.[4].role",
            None,
        ),
        (
            [USER, calls(call("a"), call("b")), result("a"), USER],
            (
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                "'tool_call_id'. The following tool_call_ids did not have response messages: b"
            ),
            "messages.[3].role",
            None,
        ),
        ([USER, calls(call("a"))], "did not have response messages: a", "messages.[2].role", None),
        (
            [USER, calls(call("a")), result("b")],
            "'tool_call_id' of 'b' not found in 'tool_calls' of previous message.",
            "messages.[2].tool_call_id",
            None,
        ),
        ([USER, calls()], "empty array", "messages[1].tool_calls", "empty_array"),
        (
            [USER, {"role": "assistant", "content": None}],
            "Invalid value for 'content': expected a string, got null.",
            "messages.[1].content",
            None,
        ),
        (
            [USER, calls(call("c" * 41)), result("c" * 41)],
            "Expected a string with maximum length 40, but got a string with length 41 instead.",
            "messages[1].tool_calls[0].id",
            "string_above_max_length",
        ),
        (
            [USER, calls(call(name="a b")), result()],
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            "messages[1].tool_calls[0].function.name",
            "invalid_value",
        ),
        ([{**USER, "name": "a b"}], "does not match pattern", "messages[0].name", "invalid_value"),
        ([{**USER, "name": "a" * 65}], "too long", "messages[0].name", "string_above_max_length"),
    ],
)
def test_it_is_refused(messages: list[Message], message: str, param: str, code: str | None) -> None:
    with pytest.raises(OpenAIError) as caught:
        validate({"model": "gpt-4o", "messages": messages})
    error = caught.value
    assert (error.status, error.param, error.code) == (400, param, code)
    assert message in error.message
