"""An excerpt of a conversation is short, and valid by the schema of OpenTelemetry's conventions however it is cut."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portkey_gateway.tracing.message_excerpt import excerpt_messages


def text(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def excerpt(messages: list[Any], **more: Any) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(excerpt_messages(messages, lambda message: message, **more))
    for message in told:
        assert isinstance(message["role"], str)
        for part in message["parts"]:
            assert isinstance(part, dict)
            assert isinstance(part["type"], str)
            assert part["type"] != "text" or isinstance(part["content"], str)
    return told


def test_a_short_conversation_is_whole() -> None:
    said = [text("system", "Be brief."), text("user", "Hi"), text("assistant", "Hello.")]
    assert excerpt(said) == said


def test_of_a_long_one_the_first_and_the_last_are_told() -> None:
    said = [text("system", "Be brief."), *(text("user", f"{number} " + "x" * 90) for number in range(1000))]
    asked: list[Any] = []

    def convert(message: Any) -> Any:
        asked.append(message)
        return message

    told = json.loads(excerpt_messages(said, convert, max_chars=1000))
    assert told[0] == said[0]
    assert told[-1] == said[-1]
    kept = len(told) - 2
    assert told[1] == text("system", f"... {1000 - kept} messages are left out here")
    assert 5 < kept < 15
    assert len(asked) == kept + 1
    assert len(json.dumps(told)) < 3000


def test_a_long_text_is_cut_and_its_message_stays() -> None:
    [told] = excerpt([text("user", "x" * 5000)], max_chars=100)
    assert told["parts"] == [{"type": "text", "content": "x" * 100 + "..."}]


def test_what_has_many_parts_loses_the_last_of_them() -> None:
    parts = [{"type": "text", "content": "x" * 60} for _ in range(9)]
    [told] = excerpt([{"role": "user", "parts": parts}], max_chars=200)
    assert 2 < len(told["parts"]) < 9
    assert told["parts"][-1] == {"type": "text", "content": "..."}


@pytest.mark.parametrize(
    "arguments", [{"password": "hunter2", "user": "ada"}, '{"password":"hunter2","user":"ada"}'], ids=["dict", "text"]
)
def test_secrets_in_the_arguments_of_a_call_are_masked(arguments: Any) -> None:
    call = {"type": "tool_call", "id": "t1", "name": "log_in", "arguments": arguments}
    [told] = excerpt([{"role": "assistant", "parts": [call]}])
    assert told["parts"][0]["arguments"] == {"password": "**********", "user": "ada"}


@pytest.mark.parametrize("given", ["When?", {"no": "message"}, 7])
def test_what_is_no_message_is_told_as_text(given: Any) -> None:
    [told] = excerpt([given], beside={"role": "user"})
    assert told["parts"][0]["content"] == (given if isinstance(given, str) else json.dumps(given))
