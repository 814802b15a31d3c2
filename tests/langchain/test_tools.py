"""Tools in every form, choices, calls whole and streamed, and loops that run to their end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from portkey_gateway.chat_completions.tools import encode_tool as chat_tool
from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.messages.tools import encode_tool as messages_tool
from portkey_gateway.routing import Route
from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from portkey_langchain.tools import encode_tool
from tests.langchain.ask import Ask, any_call, invoke, stream, total

Received = Callable[[], dict[str, Any]]


def get_weather(city: str) -> None:
    """Get the weather of a city.

    Args:
        city: the city's name.
    """


class GetWeather(BaseModel):
    """Get the weather of a city."""

    city: str = Field(description="the city's name")


class GetWeatherDict(TypedDict):
    """Get the weather of a city."""

    city: str


@tool
def weather_tool(city: str) -> str:
    """Get the weather of a city."""
    return f"sunny in {city}"


@tool
def now() -> str:
    """Tell the current time."""
    return "noon"


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OPENAI = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Get the weather of a city.", "parameters": SCHEMA},
}
ANTHROPIC = {"name": "get_weather", "description": "Get the weather of a city.", "input_schema": SCHEMA}
ASK = "What is the weather in Paris and in London? Use the tool."


@pytest.mark.parametrize(
    ("offered", "name"),
    [
        pytest.param(get_weather, "get_weather", id="function"),
        pytest.param(GetWeather, "GetWeather", id="pydantic"),
        pytest.param(GetWeatherDict, "GetWeatherDict", id="TypedDict"),
        pytest.param(weather_tool, "weather_tool", id="BaseTool"),
        pytest.param(OPENAI, "get_weather", id="OpenAI's dict"),
        pytest.param(ANTHROPIC, "get_weather", id="Anthropic's dict"),
        pytest.param({**ANTHROPIC, "type": "custom"}, "get_weather", id="Anthropic's dict with a type"),
        pytest.param(
            {"title": "get_weather", "description": "Get the weather of a city.", **SCHEMA},
            "get_weather",
            id="JSON schema",
        ),
    ],
)
def test_a_tool_is_offered_in_every_form(model: ChatPortkey, received: Received, offered: Any, name: str) -> None:
    answer = model.bind_tools([offered]).invoke("What is the weather in Paris?")
    [sent] = received()["tools"]
    assert sent["name"] == name
    assert sent["description"].startswith("Get the weather of a city.")
    assert sent["input_schema"]["type"] == "object"
    assert sent["input_schema"]["required"] == ["city"]
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [(name, {"city": "Paris"})]


def test_a_server_tool_is_offered_with_its_options(model: ChatPortkey, received: Received) -> None:
    model.bind_tools([{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]).invoke("Hi")
    assert received()["tools"] == [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]


def test_what_is_no_tool_is_refused(model: ChatPortkey) -> None:
    with pytest.raises(ValueError, match="Unsupported function"):
        model.bind_tools([{"what": "is this"}])


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        (False, None),
        ("auto", {"type": "auto"}),
        ("any", {"type": "any"}),
        ("required", {"type": "any"}),
        (True, {"type": "any"}),
        ("none", {"type": "none"}),
        ("get_weather", {"type": "tool", "name": "get_weather"}),
        ({"type": "function", "function": {"name": "get_weather"}}, {"type": "tool", "name": "get_weather"}),
        ({"type": "tool", "name": "get_weather"}, {"type": "tool", "name": "get_weather"}),
        ({"type": "any"}, {"type": "any"}),
        ({"type": "auto"}, {"type": "auto"}),
        ({"type": "none"}, {"type": "none"}),
    ],
)
@pytest.mark.parametrize("when", ["bound", "called"])
def test_a_choice_reaches_claude_in_every_form(
    model: ChatPortkey, received: Received, when: str, choice: Any, expected: dict[str, str] | None
) -> None:
    if when == "bound":
        answer = model.bind_tools([get_weather], tool_choice=choice).invoke("Hi")
    else:
        answer = model.bind_tools([get_weather]).invoke("Hi", tool_choice=choice)
    assert received().get("tool_choice") == expected
    assert bool(answer.tool_calls) == (expected is not None and expected["type"] in {"any", "tool"})


def test_a_choice_that_is_none_is_refused(model: ChatPortkey) -> None:
    with pytest.raises(EncodingError, match="is not understood"):
        model.bind_tools([get_weather], tool_choice={"type": "maybe"})


@any_call
def test_parallel_calls_are_decoded(model: ChatPortkey, ask: Ask) -> None:
    answer = ask(model.bind_tools([get_weather]), ASK)
    assert [call["args"] for call in answer.tool_calls] == [{"city": "Paris"}, {"city": "London"}]
    assert len({call["id"] for call in answer.tool_calls}) == 2
    assert answer.response_metadata["finish_reason"] == "tool_calls"
    assert answer.response_metadata["stop_reason"] == "tool_use"


def test_streamed_arguments_come_in_pieces_and_merge_to_the_same_calls(model: ChatPortkey) -> None:
    tools = model.bind_tools([get_weather])
    chunks = list(tools.stream(ASK))
    pieces = [chunk for chunk in chunks if isinstance(chunk, AIMessageChunk) and chunk.tool_call_chunks]
    assert len(pieces) > 4
    assert total(pieces).tool_calls == invoke(tools, ASK).tool_calls


@any_call
def test_a_call_without_arguments_has_none(model: ChatPortkey, ask: Ask) -> None:
    answer = ask(model.bind_tools([now], tool_choice="now"), "Hi")
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("now", {})]
    assert answer.invalid_tool_calls == []


def test_arguments_beyond_ascii_survive_any_cut(model: ChatPortkey, sandbox: Sandbox) -> None:
    sandbox.claude.reply_with({"type": "tool_use", "name": "say", "input": {"text": "Grüße 👋🏽 \\ \"'"}}, times=2)
    bound = model.bind_tools([{"name": "say", "input_schema": {"type": "object", "properties": {"text": {}}}}])
    assert stream(bound, "Say it.").tool_calls == invoke(bound, "Say it.").tool_calls
    sandbox.claude.reply_with({"type": "tool_use", "name": "say", "input": {"text": "Grüße"}})
    assert stream(bound, "Say it.").tool_calls[0]["args"] == {"text": "Grüße"}


def test_a_call_cut_by_max_tokens_is_not_taken_for_whole(model: ChatPortkey) -> None:
    answer = invoke(model.bind_tools([get_weather], tool_choice="get_weather"), "In Paris.", max_tokens=2)
    assert answer.response_metadata["finish_reason"] == "length"
    assert answer.tool_calls == [] or answer.tool_calls[0]["args"] != {"city": "Paris"}


def _loop(model: ChatPortkey, ask: Ask, tools: list[BaseTool], question: str) -> list[BaseMessage]:
    bound = model.bind_tools(tools)
    by_name = {each.name: each for each in tools}
    messages: list[BaseMessage] = [HumanMessage(question)]
    while isinstance(messages[-1], HumanMessage | ToolMessage):
        answer = ask(bound, messages)
        results = [by_name[call["name"]].invoke(call) for call in answer.tool_calls]
        messages += [answer, *results]
    return messages


@any_call
def test_a_tool_loop_runs_to_its_end(model: ChatPortkey, received: Received, ask: Ask) -> None:
    messages = _loop(model, ask, [weather_tool, now], "First tell the current time, then the weather in Rome.")
    assert [message.text for message in messages if isinstance(message, ToolMessage)] == ["noon", "sunny in Rome"]
    assert isinstance(messages[-1], AIMessage)
    assert "sunny in Rome" in messages[-1].text
    assert received()["messages"][-1]["content"][0]["type"] == "tool_result"


def test_an_agent_runs_to_its_end(model: ChatPortkey) -> None:
    agent: Any = create_agent(model, tools=[weather_tool], system_prompt="Use tools.")
    question = {"messages": [HumanMessage("What is the weather in Paris and in London?")]}
    for result in (agent.invoke(question), asyncio.run(agent.ainvoke(question))):
        last = result["messages"][-1]
        assert "sunny in Paris" in last.text
        assert "sunny in London" in last.text


def test_an_agent_streams_its_messages(model: ChatPortkey) -> None:
    agent: Any = create_agent(model, tools=[weather_tool])
    question = {"messages": [HumanMessage("What is the weather in Paris?")]}
    text = "".join(chunk.text for chunk, _ in agent.stream(question, stream_mode="messages"))
    assert text.count("sunny in Paris") == 2  # the tool's own words, and the answer that quotes them


def test_parallel_tool_calls_are_forbidden_where_the_format_can_say_it(
    model: ChatPortkey, received: Received, api_format: str
) -> None:
    bound = model.bind_tools([get_weather], parallel_tool_calls=False)
    if api_format == "messages":
        assert len(invoke(bound, ASK).tool_calls) == 1
        assert received()["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
        return
    with pytest.warns(PortkeyWarning, match="parallel_tool_calls does not reach Claude"):
        bound.invoke("Hi")


OPTIONS = {"defer_loading": True, "input_examples": [{"city": "Kiel"}], "allowed_callers": ["direct"]}


@tool(extras=OPTIONS)
def weather_with_options(city: str) -> str:
    """Get the weather of a city."""
    return f"sunny in {city}"


@pytest.mark.parametrize(
    "offered",
    [
        pytest.param(weather_with_options, id="BaseTool"),
        pytest.param({**ANTHROPIC, **OPTIONS}, id="Anthropic's dict"),
        pytest.param({**OPENAI, **OPTIONS}, id="OpenAI's dict"),
    ],
)
def test_what_only_claude_knows_of_a_tool_reaches_claude_alone(offered: Any) -> None:
    encoded = encode_tool(offered)
    assert {name: messages_tool(encoded)[name] for name in OPTIONS} == OPTIONS
    with pytest.warns(PortkeyWarning, match="only Claude knows it"):
        assert not OPTIONS.keys() & chat_tool(encoded, Route()).keys()


@pytest.mark.parametrize(
    "offered",
    [
        {"type": "mcp", "server_label": "x", "server_url": "https://a.org", "require_approval": "never"},
        {"type": "file_search", "vector_store_ids": ["v"]},
        {"type": "web_search"},
    ],
)
def test_a_tool_that_openai_runs_keeps_its_options(offered: dict[str, Any]) -> None:
    assert chat_tool(encode_tool(offered), Route()) == offered
