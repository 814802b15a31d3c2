"""Explicit cache breakpoints: what upstream received, and what usage says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call, whole_or_streamed
from tests.langchain.media import MARK, PDF64, PDF_SOURCE, PNG64, PNG_SOURCE, TEXT

Received = Callable[[], dict[str, Any]]

LONG = "This sentence stands in front of every question of the day. " * 120
CALL = {"name": "look", "args": {}, "id": "call_1", "type": "tool_call"}


def marked_text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "cache_control": MARK}


def breakpoints(body: dict[str, Any]) -> list[str]:
    """The places of all cache breakpoints of a body that Anthropic received."""
    found: list[str] = []

    def visit(value: Any, path: str) -> None:
        if isinstance(value, dict):
            if "cache_control" in value:
                assert value["cache_control"] == MARK
                found.append(path)
            for key, item in value.items():
                visit(item, f"{path}.{key}" if path else key)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                visit(item, f"{path}[{index}]")

    visit(body, "")
    return found


@tool(extras={"cache_control": MARK})
def look(at: str) -> None:
    """Look at something."""


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        pytest.param([SystemMessage([marked_text("Be brief.")]), HumanMessage("Hi")], "system[0]", id="system"),
        pytest.param([("developer", [marked_text("Be brief.")]), HumanMessage("Hi")], "system[0]", id="developer"),
        pytest.param([HumanMessage([marked_text("Hi")])], "messages[0].content[0]", id="user"),
        pytest.param(
            [HumanMessage([{"type": "text", "text": "Hi", "extras": {"cache_control": MARK}}])],
            "messages[0].content[0]",
            id="standard block's extras",
        ),
        pytest.param(
            [HumanMessage([{"type": "image", "base64": PNG64, "mime_type": "image/png", "cache_control": MARK}])],
            "messages[0].content[0]",
            id="image",
        ),
        pytest.param(
            [
                HumanMessage(
                    [
                        {
                            "type": "image",
                            "source_type": "base64",
                            "data": PNG64,
                            "mime_type": "image/png",
                            "cache_control": MARK,
                        }
                    ]
                )
            ],
            "messages[0].content[0]",
            id="v0 image",
        ),
        pytest.param(
            [HumanMessage([{"type": "image", "source": PNG_SOURCE, "cache_control": MARK}])],
            "messages[0].content[0]",
            id="Anthropic's image",
        ),
        pytest.param(
            [HumanMessage([{"type": "file", "base64": PDF64, "mime_type": "application/pdf", "cache_control": MARK}])],
            "messages[0].content[0]",
            id="PDF",
        ),
        pytest.param(
            [HumanMessage([{"type": "document", "source": PDF_SOURCE, "cache_control": MARK}])],
            "messages[0].content[0]",
            id="Anthropic's PDF",
        ),
        pytest.param(
            [HumanMessage("Hi"), AIMessage([marked_text("Hello.")]), HumanMessage("How are you?")],
            "messages[1].content[0]",
            id="assistant",
        ),
        pytest.param(
            [
                HumanMessage("Look."),
                AIMessage([{"type": "tool_use", "id": "call_1", "name": "look", "input": {}, "cache_control": MARK}]),
                ToolMessage("blue", tool_call_id="call_1"),
            ],
            "messages[1].content[0]",
            id="tool call",
        ),
        pytest.param(
            [
                HumanMessage("Look."),
                AIMessage("", tool_calls=[CALL]),
                ToolMessage([marked_text("blue")], tool_call_id="call_1"),
            ],
            "messages[2].content[0].content[0]",
            id="tool result's block",
        ),
        pytest.param(
            [
                HumanMessage("Look."),
                AIMessage("", tool_calls=[CALL]),
                ToolMessage("blue", tool_call_id="call_1", additional_kwargs={"cache_control": MARK}),
            ],
            "messages[2].content[0].content[0]",
            id="tool message",
        ),
        pytest.param(
            [
                HumanMessage("Look."),
                AIMessage("", tool_calls=[CALL]),
                HumanMessage(
                    [{"type": "tool_result", "tool_use_id": "call_1", "content": "blue", "cache_control": MARK}]
                ),
            ],
            "messages[2].content[0].content[0]",
            id="Anthropic's tool result",
        ),
    ],
)
def test_a_breakpoint_arrives_where_it_was_put(
    model: ChatPortkey, received: Received, api_format: str, messages: list[BaseMessage], place: str
) -> None:
    model.invoke(messages)
    # On a result, Anthropic's own format has the mark on the result itself.
    own = place.removesuffix(".content[0]") if place.count(".content[0]") > 1 else place
    assert breakpoints(received()) == [own if api_format == "messages" else place]


@pytest.mark.parametrize(
    "offered",
    [
        pytest.param(look, id="BaseTool"),
        pytest.param(
            {"name": "look", "input_schema": {"type": "object", "properties": {}}, "cache_control": MARK},
            id="Anthropic's dict",
        ),
        pytest.param(
            {
                "type": "function",
                "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
                "cache_control": MARK,
            },
            id="OpenAI's dict",
        ),
        pytest.param({"type": "web_search_20250305", "name": "web_search", "cache_control": MARK}, id="server tool"),
    ],
)
def test_a_breakpoint_on_a_tool_arrives(model: ChatPortkey, received: Received, offered: Any) -> None:
    model.bind_tools([offered]).invoke("Hi")
    assert breakpoints(received()) == ["tools[0]"]


def test_a_mark_on_a_tool_that_is_none_is_refused(model: ChatPortkey) -> None:
    with pytest.raises(EncodingError, match="cache_control of tool 'look'"):
        model.bind_tools([{"name": "look", "input_schema": {"type": "object"}, "cache_control": True}])


def test_more_than_four_breakpoints_are_refused(model: ChatPortkey) -> None:
    with pytest.raises(EncodingError, match=r"cache_control stands on 5 blocks \(tools\[0\], messages\[0\]"):
        model.bind_tools([look]).invoke([HumanMessage([marked_text("Hi") for _ in range(4)])])


def test_four_breakpoints_are_fine(model: ChatPortkey, received: Received) -> None:
    model.bind_tools([look]).invoke([HumanMessage([marked_text("Hi") for _ in range(3)])])
    assert len(breakpoints(received())) == 4


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "url": "https://a.org/x.png", "cache_control": MARK},
        {"type": "text-plain", "text": TEXT, "mime_type": "text/plain", "cache_control": MARK},
    ],
)
def test_a_warning_tells_where_the_gateway_drops_a_breakpoint(
    model: ChatPortkey, received: Received, block: dict[str, Any], api_format: str
) -> None:
    if api_format == "messages":
        model.invoke([HumanMessage([block])])
        assert len(breakpoints(received())) == 1
        return
    with pytest.warns(PortkeyWarning, match="the gateway drops cache_control"):
        model.invoke([HumanMessage([block])])
    assert breakpoints(received()) == []


@whole_or_streamed
@pytest.mark.parametrize("place", ["system", "user", "tool"])
def test_usage_tells_the_first_writing_and_the_second_reading(model: ChatPortkey, ask: Ask, place: str) -> None:
    runnable: Any = model
    messages: list[BaseMessage] = [HumanMessage("Hi")]
    if place == "system":
        messages.insert(0, SystemMessage([marked_text(LONG)]))
    elif place == "user":
        messages.insert(0, HumanMessage([marked_text(LONG)]))
    else:
        schema = {"type": "object", "properties": {}}
        runnable = model.bind_tools(
            [{"name": "look", "description": LONG, "input_schema": schema, "cache_control": MARK}]
        )
    first, second = (usage(ask(runnable, messages)) for _ in range(2))
    assert first["cache_creation"] > 1024
    assert first["cache_read"] == 0
    assert second["cache_read"] == first["cache_creation"]
    assert second["cache_creation"] == 0
    assert first["input"] == second["input"] > second["cache_read"]
    assert first["total"] == first["input"] + first["output"]


def usage(answer: AIMessage) -> dict[str, int]:
    figures: Any = answer.usage_metadata
    totals = {name: figures[f"{name}_tokens"] for name in ("input", "output", "total")}
    return {**totals, **figures["input_token_details"]}


@any_call
def test_the_messages_of_the_caller_are_left_as_they_are(model: ChatPortkey, ask: Ask) -> None:
    messages = [SystemMessage([marked_text(""), marked_text("Be brief.")]), HumanMessage([marked_text("Hi")])]
    before = [message.model_dump_json() for message in messages]
    ask(model, messages)
    assert [message.model_dump_json() for message in messages] == before
