"""A conversation goes on in the other format: what one of them answered, the other replays whole."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.signatures import is_genuine
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call

ORDERS = [("chat_completions", "messages", "chat_completions"), ("messages", "chat_completions", "messages")]


@tool
def get_weather(city: str) -> str:
    """Get the weather in a city."""
    return f"rain in {city}"


def reply(city: str) -> list[dict[str, Any]]:
    return [
        {"type": "thinking", "thinking": f"I look at {city} 🌍."},
        {"type": "text", "text": f"Now for {city}."},
        {"type": "tool_use", "id": f"toolu_{city}", "name": "get_weather", "input": {"city": city}},
    ]


def flat(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every block and who said it; a text alone is a block, and neighbours of one side are one message to Claude."""
    said: list[tuple[str, dict[str, Any]]] = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        said.extend((message["role"], block) for block in blocks)
    return said


@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize("formats", ORDERS, ids=" then ".join)
@any_call
def test_a_conversation_goes_on_in_the_other_format(
    sandbox: Sandbox, formats: tuple[Any, ...], ask: Ask, output_version: str
) -> None:
    cities = "Oslo", "Rome", "Lima"
    options: dict[str, Any] = {
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "max_tokens": 2000,
        "output_version": output_version,
        **sandbox.options(),
    }
    history: list[BaseMessage] = [SystemMessage("Be brief."), HumanMessage("Where does it rain?")]
    for city, api_format in zip(cities, formats, strict=True):
        sandbox.claude.reply_with(*reply(city))
        model = ChatPortkey(model=sandbox.model, max_retries=0, api_format=api_format, **options)
        answer = ask(model.bind_tools([get_weather]), history)
        [call] = answer.tool_calls
        assert call["args"] == {"city": city}
        history += [answer, ToolMessage("rain", tool_call_id=call["id"])]

    replayed = [flat(request.body) for request in sandbox.claude.requests]
    # Each turn sends what the one before sent, word for word, with its answer and the result behind.
    for city, (before, after) in zip(cities[:-1], pairwise(replayed), strict=True):
        assert after[: len(before)] == before
        (_, thought), *rest = after[len(before) :]
        assert is_genuine(f"I look at {city} 🌍.", thought["signature"])
        assert rest == [
            ("assistant", {"type": "text", "text": f"Now for {city}."}),
            ("assistant", reply(city)[-1]),
            ("user", {"type": "tool_result", "tool_use_id": f"toolu_{city}", "content": "rain"}),
        ]
    assert [len(body) for body in replayed] == [1, 5, 9]
