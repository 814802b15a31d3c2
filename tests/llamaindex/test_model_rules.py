"""Each Claude is asked what it takes, and what only Claude has arrives: twin of LangChain's tests."""

from __future__ import annotations

import re
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock

from portkey_gateway import PortkeyWarning
from portkey_llamaindex import Portkey
from portkey_llamaindex.claude_notes import NOTES
from tests.llamaindex.received import Received
from tests.llamaindex.ways import ask, chat_way
from tests.support.model_rules import RULES

LOOK: dict[str, Any] = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
CALLED = ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_call_id="toolu_1", tool_name="look", tool_kwargs={})])


@chat_way
@pytest.mark.parametrize(("name", "asked", "told", "sent"), RULES)
def test_what_a_model_refuses_is_said_otherwise_with_a_warning(
    llm: Portkey, received: Received, *, way: str, name: str, asked: dict[str, Any], told: str, sent: dict[str, Any]
) -> None:
    with pytest.warns(PortkeyWarning, match=re.escape(told)):
        assert ask(llm, way, "Please say: a", model=name, **asked).message.content
    assert {field: received.latest.get(field) for field in sent} == sent


def test_effort_and_adaptive_thinking_in_the_place_of_a_budget(llm: Portkey, received: Received) -> None:
    thinking = llm.with_options(api_format="messages", model="claude-opus-4-7", reasoning_effort="high")
    thinking.chat([ChatMessage("Please say: a")])
    assert received.latest["output_config"] == {"effort": "high"}
    assert received.latest["thinking"] == {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize("api_format", ["messages"])
def test_what_the_system_says_amid_the_conversation_stays_there(llm: Portkey, received: Received) -> None:
    addition = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": LOOK}}
    added = ChatMessage(role=MessageRole.SYSTEM, additional_kwargs={NOTES: [addition]})
    history = [
        ChatMessage("Be brief.", role="system"),
        ChatMessage("Hi"),
        ChatMessage("In French.", role="system"),
        added,
    ]
    llm.with_options(model="claude-opus-5").chat(history)
    assert received.latest["system"] == [{"type": "text", "text": "Be brief."}]
    said = [block for message in received.latest["messages"][1:] for block in message["content"]]
    assert said == [{"type": "text", "text": "In French."}, addition]
    assert {message["role"] for message in received.latest["messages"][1:]} == {"system"}


def test_a_tool_found_another_tool(llm: Portkey, received: Received) -> None:
    reference = {"type": "tool_reference", "tool_name": "see"}
    told = ChatMessage(role="tool", additional_kwargs={"tool_call_id": "toolu_1", NOTES: [reference]})
    llm.chat([ChatMessage("Hi"), CALLED, told], tools=[LOOK, {**LOOK, "name": "see", "defer_loading": True}])
    [result] = received.content
    assert result["content"] == [reference]


@chat_way
def test_who_asks_is_told_to_anthropic(llm: Portkey, received: Received, way: str) -> None:
    ask(llm.with_options(request_metadata={"_user": "u-17"}), way, "Hi")
    assert received.latest["metadata"] == {"user_id": "u-17"}
