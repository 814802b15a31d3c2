"""A conversation goes on in the other format: what one of them answered, the other replays whole."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ThinkingBlock, ToolCallBlock

from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.signatures import is_genuine
from portkey_llamaindex import Portkey
from tests.llamaindex.received import Received
from tests.llamaindex.ways import ask, chat_way

ORDERS = [("chat_completions", "messages", "chat_completions"), ("messages", "chat_completions", "messages")]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def reply(city: str) -> list[dict[str, Any]]:
    return [
        {"type": "thinking", "thinking": f"I look at {city} 🌍."},
        {"type": "text", "text": f"Now for {city}."},
        {"type": "tool_use", "id": f"toolu_{city}", "name": "get_weather", "input": {"city": city}},
    ]


def results(message: ChatMessage) -> list[ChatMessage]:
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    return [
        ChatMessage(role=MessageRole.TOOL, content="rain", additional_kwargs={"tool_call_id": call.tool_call_id})
        for call in calls
    ]


def flat(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every block and who said it; a text alone is a block, and neighbours of one side are one message to Claude."""
    said: list[tuple[str, dict[str, Any]]] = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        said.extend((message["role"], block) for block in blocks)
    return said


@pytest.mark.parametrize("formats", ORDERS, ids=" then ".join)
@chat_way
def test_a_conversation_goes_on_in_the_other_format(
    sandbox: Sandbox, received: Received, formats: tuple[Any, ...], way: str
) -> None:
    cities = "Oslo", "Rome", "Lima"
    thinking = {"type": "enabled", "budget_tokens": 1024}
    options: dict[str, Any] = {"thinking": thinking, "max_tokens": 2000, **sandbox.options()}
    history = [ChatMessage(role=MessageRole.SYSTEM, content="Be brief."), ChatMessage("Where does it rain?")]
    for city, api_format in zip(cities, formats, strict=True):
        sandbox.claude.reply_with(*reply(city))
        llm = Portkey(model=sandbox.model, max_retries=0, api_format=api_format, **options)
        answer = ask(llm, way, history, tools=[TOOL]).message
        history += [answer, *results(answer)]
        thought, text, call = answer.blocks
        assert isinstance(thought, ThinkingBlock)
        assert (thought.content, text.text, call.tool_kwargs) == (
            f"I look at {city} 🌍.",
            f"Now for {city}.",
            {"city": city},
        )
        assert is_genuine(thought.content or "", thought.additional_information["signature"])

    replayed = [flat(body) for body in received.bodies]
    # Each turn sends what the one before sent, word for word, with its answer and the result behind.
    for before, after in pairwise(replayed):
        assert after[: len(before)] == before
        assert [(role, block["type"]) for role, block in after[len(before) :]] == [
            ("assistant", "thinking"),
            ("assistant", "text"),
            ("assistant", "tool_use"),
            ("user", "tool_result"),
        ]
    assert [len(body) for body in replayed] == [1, 5, 9]


@pytest.mark.parametrize("formats", ORDERS, ids=" then ".join)
def test_the_cache_goes_on_too(sandbox: Sandbox, formats: tuple[Any, ...]) -> None:
    long = "You answer questions about the harbour of a small town by the sea. " * 120
    history = [ChatMessage(role=MessageRole.SYSTEM, content=long)]
    cached = 0
    options = sandbox.options()
    for api_format in formats:
        llm = Portkey(model=sandbox.model, api_format=api_format, prompt_caching="auto", **options)
        history.append(ChatMessage("How deep is it?"))
        response: Any = llm.chat(history)
        usage = response.raw["usage"]
        assert usage["cache_read_tokens"] == cached
        cached = usage["cache_read_tokens"] + usage["cache_write_tokens"]
        assert cached > 1024
        history.append(response.message)
