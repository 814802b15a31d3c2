"""`response_format` where it binds no answer: agents and bound models get their object, and Claude gets a tool.

So it is over chat completions, and with a Claude of before 4.5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, StructuredOutputValidationError, ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from portkey_gateway.errors import PortkeyWarning
from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.signatures import is_genuine
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call, invoke, stream
from tests.support.recording import RecordingServer

Received = Callable[[], dict[str, Any]]


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"{city}: sunny, 21 degrees"


OLD = "claude-sonnet-4-20250514"
QUESTION: dict[str, Any] = {"messages": [HumanMessage("What is the weather in Paris?")]}
PARIS = Weather(city="Paris", degrees=21)
THINKING = {"type": "enabled", "budget_tokens": 1024}
FORMAT = {"type": "json_schema", "json_schema": {"name": "Weather", "schema": Weather.model_json_schema()}}
ASKED = "Tell the weather. city: Paris, degrees: 21."


@pytest.fixture
def model(model: ChatPortkey, api_format: str) -> ChatPortkey:
    return model.with_options(model=OLD) if api_format == "messages" else model


def run(agent: Any) -> dict[str, Any]:
    result: dict[str, Any] = agent.invoke(QUESTION)
    return result


def arun(agent: Any) -> dict[str, Any]:
    result: dict[str, Any] = asyncio.run(agent.ainvoke(QUESTION))
    return result


def run_streamed(agent: Any) -> dict[str, Any]:
    """The state after the last step of a run whose messages were streamed token by token."""
    *_, (_, last) = (each for each in agent.stream(QUESTION, stream_mode=["messages", "values"]) if each[0] == "values")
    result: dict[str, Any] = last
    return result


def arun_streamed(agent: Any) -> dict[str, Any]:
    async def last() -> dict[str, Any]:
        states = [
            each async for mode, each in agent.astream(QUESTION, stream_mode=["messages", "values"]) if mode == "values"
        ]
        result: dict[str, Any] = states[-1]
        return result

    return asyncio.run(last())


any_run = pytest.mark.parametrize("run_agent", [run, arun, run_streamed, arun_streamed])


@any_run
@pytest.mark.parametrize("name", [OLD, "claude-opus-4-20250514"])
@pytest.mark.parametrize(
    "asked", [Weather, ProviderStrategy(Weather), ToolStrategy(Weather)], ids=lambda kind: type(kind).__name__
)
def test_an_agent_ends_with_an_object(
    model: ChatPortkey, sandbox: Sandbox, run_agent: Callable[[Any], dict[str, Any]], name: str, asked: Any
) -> None:
    agent = create_agent(model.with_options(model=name), [get_weather], response_format=asked)
    assert run_agent(agent)["structured_response"] == PARIS
    bodies = [request.body for request in sandbox.claude.requests]
    assert len(bodies) == 2
    for body in bodies:
        assert body["model"] == name
        assert "response_format" not in body
        assert [each["name"] for each in body["tools"]] == ["get_weather", "Weather"]
        assert body["tools"][1]["input_schema"]["required"] == ["city", "degrees"]
        assert body["tool_choice"] == {"type": "any"}


def test_the_last_message_of_an_agent_is_the_json_and_no_tool_call(model: ChatPortkey) -> None:
    messages = run(create_agent(model, [get_weather], response_format=ProviderStrategy(Weather)))["messages"]
    assert [type(message) for message in messages] == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert Weather.model_validate_json(messages[-1].text) == PARIS
    assert messages[-1].tool_calls == []
    assert messages[-1].response_metadata["finish_reason"] == "stop"


@any_run
@pytest.mark.parametrize("asked", [Weather, ProviderStrategy(Weather)], ids=lambda kind: type(kind).__name__)
def test_a_thinking_agent_is_told_and_not_forced(
    model: ChatPortkey, sandbox: Sandbox, run_agent: Callable[[Any], dict[str, Any]], asked: Any
) -> None:
    thought = {"type": "thinking", "thinking": "I know it now."}
    call = {"type": "tool_use", "name": "Weather", "input": PARIS.model_dump()}
    sandbox.claude.reply_with(thought, "Here it is.", call, match="tool_result")
    agent = create_agent(
        model.with_options(thinking=THINKING), [get_weather], system_prompt="Be brief.", response_format=asked
    )
    result = run_agent(agent)
    assert result["structured_response"] == PARIS
    assert result["messages"][-1].text == result["messages"][-1].content[-1]["text"]
    assert [block["type"] for block in result["messages"][-1].content_blocks] == ["reasoning", "text"]
    first, second = (request.body for request in sandbox.claude.requests)
    for body in (first, second):
        assert body["tool_choice"] == {"type": "auto"}
        assert body["system"][0] == {"type": "text", "text": "Be brief."}
        assert "by calling the tool Weather" in body["system"][1]["text"]
    replayed = second["messages"][1]["content"][0]
    assert is_genuine(replayed["thinking"], replayed["signature"])


def test_a_thinking_agent_that_answers_in_words_is_an_error(model: ChatPortkey, sandbox: Sandbox) -> None:
    sandbox.claude.reply_with("I would rather talk.")
    agent: Any = create_agent(model.with_options(thinking=THINKING), [get_weather], response_format=Weather)
    with pytest.raises(StructuredOutputValidationError):
        run(agent)


def test_a_tool_that_an_agent_forces_on_a_thinking_claude_is_warned_of(model: ChatPortkey, sandbox: Sandbox) -> None:
    sandbox.claude.reply_with({"type": "tool_use", "name": "Weather", "input": PARIS.model_dump()})
    agent: Any = create_agent(model.with_options(thinking=THINKING), [], response_format=ToolStrategy(Weather))
    with pytest.warns(PortkeyWarning, match="tool_choice is sent as 'auto'"):
        assert run(agent)["structured_response"] == PARIS


def test_an_agent_that_is_refused_has_no_object(model: ChatPortkey, sandbox: Sandbox) -> None:
    sandbox.claude.reply_with(stop_reason="refusal")
    with pytest.raises(StructuredOutputValidationError) as caught:
        run(create_agent(model, [get_weather], response_format=Weather))
    assert caught.value.ai_message.response_metadata["finish_reason"] == "content_filter"


@any_call
def test_a_bound_format_is_answered_as_json(model: ChatPortkey, received: Received, ask: Ask) -> None:
    answer = ask(model.bind(response_format=FORMAT), ASKED)
    assert Weather.model_validate_json(answer.text) == PARIS
    assert not answer.tool_calls
    assert not answer.invalid_tool_calls
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.response_metadata["stop_reason"] == "end_turn"
    body = received()
    assert "response_format" not in body
    assert [each["name"] for each in body["tools"]] == ["Weather"]
    assert body["tool_choice"] == {"type": "any"}
    assert not body.get("system")


@any_call
def test_a_format_of_every_call(model: ChatPortkey, ask: Ask) -> None:
    always = model.with_options(model_kwargs={"response_format": FORMAT})
    assert Weather.model_validate_json(ask(always, ASKED).text) == PARIS


@any_call
def test_other_tools_are_called_beside_it(model: ChatPortkey, sandbox: Sandbox, ask: Ask) -> None:
    calls = [{"type": "tool_use", "name": name, "input": {"city": "Paris"}} for name in ("get_weather", "Weather")]
    sandbox.claude.reply_with("I look.", *calls)
    answer = ask(model.bind_tools([get_weather], response_format=FORMAT), ASKED)
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("get_weather", {"city": "Paris"})]
    assert answer.response_metadata["finish_reason"] == "tool_calls"
    assert '"Paris"' in answer.text


@any_call
def test_words_are_handed_on_where_the_tool_was_not_called(model: ChatPortkey, sandbox: Sandbox, ask: Ask) -> None:
    thought = {"type": "thinking", "thinking": "Hm."}
    sandbox.claude.reply_with(thought, "I would ", "rather talk.")
    answer = ask(model.bind(response_format=FORMAT, thinking=THINKING), ASKED)
    assert answer.text == "I would rather talk."
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text", "text"]


def test_what_the_provider_did_by_itself_stays_whole(model: ChatPortkey, sandbox: Sandbox) -> None:
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "Paris"}}
    call = {"type": "tool_use", "name": "Weather", "input": PARIS.model_dump()}
    sandbox.claude.reply_with("I search.", search, call, times=2)
    bound = model.bind(response_format=FORMAT)
    whole, streamed = invoke(bound, ASKED), stream(bound, ASKED)
    for answer in (whole, streamed):
        searched: Any = answer.content_blocks[0]
        assert (searched["type"], searched["args"]) == ("server_tool_call", {"query": "Paris"})
        assert Weather.model_validate_json(answer.text) == PARIS


@any_call
def test_an_answer_that_was_cut_says_so(model: ChatPortkey, ask: Ask) -> None:
    answer = ask(model.bind(response_format=FORMAT), ASKED, max_tokens=2)
    assert answer.response_metadata["finish_reason"] == "length"
    assert answer.tool_calls == []


def test_json_alone_is_warned_of(model: ChatPortkey) -> None:
    with pytest.warns(PortkeyWarning, match="response_format (of type 'json_object' )?does not reach Claude"):
        model.invoke([SystemMessage("Answer in JSON."), HumanMessage(ASKED)], response_format={"type": "json_object"})


def test_another_model_gets_the_format_as_it_is(server: RecordingServer) -> None:
    model = ChatPortkey(model="gpt-5", provider="openai", provider_api_key="sk-x", base_url=server.base_url)
    model.bind_tools([get_weather], response_format=FORMAT).invoke(ASKED)
    sent = server.requests[-1].json
    assert sent["response_format"] == FORMAT
    assert [each["function"]["name"] for each in sent["tools"]] == ["get_weather"]
    assert "tool_choice" not in sent


@any_run
def test_an_agent_s_strict_format_is_closed_for_openai(both: Sandbox, run_agent: Callable[[Any], Any]) -> None:
    model = ChatPortkey(model="gpt-4o", max_retries=0, **both.options("openai"))
    agent: Any = create_agent(model, [get_weather], response_format=ProviderStrategy(Weather, strict=True))
    assert isinstance(run_agent(agent)["structured_response"], Weather)
    form = both.openai.requests[-1].body["response_format"]["json_schema"]
    assert (form["strict"], form["schema"]["additionalProperties"]) == (True, False)
