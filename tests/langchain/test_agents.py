"""Agents that think, call tools in parallel and stream run to their end: Claude sees its thoughts in every round."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from portkey_gateway.sandbox import Sandbox
from portkey_gateway.sandbox.claude.brain import REDACT_MAGIC
from portkey_gateway.sandbox.claude.signatures import is_genuine, is_sealed
from portkey_langchain import ChatPortkey
from tests.langchain.graphs import (
    TOOLS,
    Run,
    agent,
    ainvoke,
    amessages,
    any_graph,
    any_run,
    get_weather,
    graph,
    invoke,
    messages,
)

Build = Callable[[ChatPortkey], Any]

QUESTION = "First tell the current time, then the weather in Paris and in London."
RESULTS = ["noon", "sunny in Paris", "sunny in London"]

pytestmark = pytest.mark.filterwarnings("ignore:The v3 streaming protocol on Pregel is experimental")


@pytest.fixture
def thinking(model: ChatPortkey) -> ChatPortkey:
    return model.with_options(thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=3000)


def bodies(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [request.body for request in sandbox.claude.requests]


def assistants(body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """What the assistant said before, as Claude received it."""
    return [message["content"] for message in body["messages"] if message["role"] == "assistant"]


def results(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The tool results, as Claude received them; the gateway sends each in a message of its own."""
    contents = [message["content"] for message in body["messages"] if message["role"] == "user"]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return [block for block in blocks if block["type"] == "tool_result"]


def assert_thoughts_were_replayed(received: list[dict[str, Any]]) -> None:
    """Every answer before the last one begins with a thought that bears Claude's own signature."""
    for round_, body in enumerate(received):
        said = assistants(body)
        assert len(said) == round_
        for content in said:
            assert content[0]["type"] == "thinking"
            assert content[0]["thinking"]
            assert is_genuine(content[0]["thinking"], content[0]["signature"])
            assert {block["type"] for block in content[1:]} <= {"text", "tool_use"}


@any_run
@any_graph
def test_thoughts_are_replayed_in_every_round_of_parallel_tools(
    thinking: ChatPortkey, sandbox: Sandbox, build: Build, run: Run
) -> None:
    told = run(build(thinking), QUESTION)
    answers = [message for message in told if isinstance(message, AIMessage)]
    assert sorted(message.text for message in told if isinstance(message, ToolMessage)) == sorted(RESULTS)
    assert [len(answer.tool_calls) for answer in answers] == [1, 2, 0]
    assert all(result in answers[-1].text for result in RESULTS)
    assert [answer.content_blocks[0]["type"] for answer in answers] == ["reasoning"] * 3
    received = bodies(sandbox)
    assert len(received) == 3
    assert_thoughts_were_replayed(received)
    assert [block["content"] for block in results(received[-1])] == RESULTS
    calls = [block for content in assistants(received[-1]) for block in content if block["type"] == "tool_use"]
    assert [call["id"] for call in calls] == [block["tool_use_id"] for block in results(received[-1])]


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("run", [invoke, messages])
def test_redacted_thoughts_are_replayed_too(thinking: ChatPortkey, sandbox: Sandbox, version: str, run: Run) -> None:
    run(agent(thinking.with_options(output_version=version)), f"What is the weather in Paris? {REDACT_MAGIC}")
    _, last = bodies(sandbox)
    [[redacted, call]] = assistants(last)
    assert redacted["type"] == "redacted_thinking"
    assert is_sealed(redacted["data"])
    assert call["type"] == "tool_use"


@any_run
def test_the_standard_form_of_answers_is_replayed_too(thinking: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    told = run(agent(thinking.with_options(output_version="v1")), QUESTION)
    assert all(result in told[-1].text for result in RESULTS)
    assert_thoughts_were_replayed(bodies(sandbox))


@pytest.mark.parametrize(("build", "run"), [(agent, invoke), (agent, amessages), (graph, ainvoke), (graph, messages)])
def test_an_agent_of_twenty_rounds(thinking: ChatPortkey, sandbox: Sandbox, build: Build, run: Run) -> None:
    for round_ in range(20):
        sandbox.claude.reply_with(
            {"type": "thinking", "thinking": f"Thought {round_}."},
            {"type": "tool_use", "id": f"toolu_{round_}_a", "name": "get_weather", "input": {"city": f"A{round_}"}},
            {"type": "tool_use", "id": f"toolu_{round_}_b", "name": "get_weather", "input": {"city": f"B{round_}"}},
        )
    sandbox.claude.reply_with({"type": "thinking", "thinking": "At last."}, "Sunny everywhere.")
    told = run(build(thinking).with_config(recursion_limit=60), "How is the weather?")
    assert told[-1].text == "Sunny everywhere."
    assert len([message for message in told if isinstance(message, ToolMessage)]) == 40
    received = bodies(sandbox)
    assert len(received) == 21
    assert_thoughts_were_replayed(received)
    assert [content[0]["thinking"] for content in assistants(received[-1])] == [f"Thought {n}." for n in range(20)]
    answered = [block["content"] for block in results(received[-1])]
    assert answered == [f"sunny in {letter}{round_}" for round_ in range(20) for letter in "AB"]


def test_a_talk_goes_on_from_its_checkpoint(thinking: ChatPortkey, sandbox: Sandbox) -> None:
    remembering: Any = create_agent(thinking, TOOLS, checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    for question in ("What is the weather in Paris?", "And what is the weather in Rome?"):
        state = remembering.invoke({"messages": [HumanMessage(question)]}, thread)
    assert "sunny in Rome" in state["messages"][-1].text
    assert_thoughts_were_replayed(bodies(sandbox))


def test_many_agents_at_once(thinking: ChatPortkey) -> None:
    cities = ["Paris", "Rome", "Oslo", "Lima", "Cairo", "Delhi", "Lagos", "Quito"]
    running: Any = create_agent(thinking, [get_weather])

    async def ask(city: str) -> str:
        state = await running.ainvoke({"messages": [HumanMessage(f"What is the weather in {city}?")]})
        answer: AnyMessage = state["messages"][-1]
        return answer.text

    async def ask_all() -> list[str]:
        return await asyncio.gather(*map(ask, cities))

    for city, text in zip(cities, asyncio.run(ask_all()), strict=True):
        assert f"sunny in {city}" in text
