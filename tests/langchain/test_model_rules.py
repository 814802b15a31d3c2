"""Each Claude is asked what it takes: the rest is said otherwise or left out, and a warning tells it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from portkey_gateway import PortkeyWarning
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call
from tests.support.model_rules import RULES

Received = Callable[[], dict[str, Any]]


@any_call
@pytest.mark.parametrize(("name", "asked", "told", "sent"), RULES)
def test_what_a_model_refuses_is_said_otherwise_with_a_warning(
    model: ChatPortkey,
    received: Received,
    *,
    ask: Ask,
    name: str,
    asked: dict[str, Any],
    told: str,
    sent: dict[str, Any],
) -> None:
    with pytest.warns(PortkeyWarning, match=re.escape(told)):
        assert ask(model, "Say exactly: a", model=name, **asked).text
    assert {field: received().get(field) for field in sent} == sent


def test_effort_and_adaptive_thinking_in_the_place_of_a_budget(model: ChatPortkey, received: Received) -> None:
    thinking = model.with_options(api_format="messages", model="claude-opus-4-7", reasoning_effort="high")
    thinking.invoke("Say exactly: a")
    assert received()["output_config"] == {"effort": "high"}
    assert received()["thinking"] == {"type": "adaptive", "display": "summarized"}


LOOK: dict[str, Any] = {"name": "look", "input_schema": {"type": "object", "properties": {}}}


@pytest.mark.parametrize("api_format", ["messages"])
def test_what_the_system_says_amid_the_conversation_stays_there(model: ChatPortkey, received: Received) -> None:
    addition: Any = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": LOOK}}
    history = [
        SystemMessage("Be brief."),
        HumanMessage("Hi"),
        SystemMessage("Now in French."),
        SystemMessage([addition]),
    ]
    model.with_options(model="claude-opus-5").invoke(history)
    assert received()["system"] == [{"type": "text", "text": "Be brief."}]
    roles = [message["role"] for message in received()["messages"]]
    assert roles[0] == "user"
    assert set(roles[1:]) == {"system"}
    said = [block for message in received()["messages"][1:] for block in message["content"]]
    assert said == [{"type": "text", "text": "Now in French."}, addition]


SOURCE: dict[str, Any] = {
    "type": "search_result",
    "source": "https://a.org",
    "title": "A",
    "content": [{"type": "text", "text": "Blue."}],
    "citations": {"enabled": True},
}


def test_a_tool_found_sources_and_tools(model: ChatPortkey, received: Received) -> None:
    deferred = {**LOOK, "name": "see", "defer_loading": True}
    asked = AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "toolu_1"}])
    found: list[Any] = [SOURCE, {"type": "tool_reference", "tool_name": "see"}]
    for block in found:
        told = ToolMessage([block], tool_call_id="toolu_1")
        model.invoke([HumanMessage("Hi"), asked, told], tools=[LOOK, deferred])
        [result] = received()["messages"][-1]["content"]
        assert result["content"] == [block]


@any_call
def test_who_asks_is_told_to_anthropic(model: ChatPortkey, received: Received, ask: Ask) -> None:
    ask(model.with_options(metadata={"_user": "u-17"}), "Hi")
    assert received()["metadata"] == {"user_id": "u-17"}
