"""Deep agents of ChatPortkey: files, plans, and agents below them, through the real gateway."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey, PortkeyPromptCachingMiddleware
from tests.langchain.graphs import Run, ainvoke, amessages, get_weather, invoke, messages

create_deep_agent: Final[Any] = import_module("deepagents").create_deep_agent

any_run = pytest.mark.parametrize("run", [invoke, ainvoke, messages, amessages])


class City(BaseModel):
    """A city."""

    name: str


def use(name: str, /, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": name, "input": given}


def results(told: list[Any]) -> list[str]:
    return [message.text for message in told if isinstance(message, ToolMessage)]


@any_run
def test_it_plans_writes_reads_and_calls_a_tool(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    sandbox.claude.reply_with(use("write_todos", todos=[{"content": "Ask", "status": "pending"}]))
    sandbox.claude.reply_with(use("write_file", file_path="/notes.md", content="Kiel is sunny."))
    sandbox.claude.reply_with(use("read_file", file_path="/notes.md"), use("get_weather", city="Kiel"))
    told = run(create_deep_agent(model, [get_weather]), "How is Kiel?")
    assert any("Kiel is sunny." in result for result in results(told)[2:])
    assert "sunny in Kiel" in results(told)[2:]
    assert isinstance(told[-1], AIMessage)
    assert told[-1].text


@any_run
def test_an_agent_below_it_does_a_part(model: ChatPortkey, sandbox: Sandbox, run: Run) -> None:
    expert = {
        "name": "weather-expert",
        "description": "Knows every weather.",
        "system_prompt": "Use your tool.",
        "tools": [get_weather],
        "model": model.with_options(model="claude-haiku-4-5"),
    }
    task = {"description": "What is the weather in Oslo?", "subagent_type": "weather-expert"}
    sandbox.claude.reply_with(use("task", **task))
    sandbox.claude.reply_with(use("get_weather", city="Oslo"), match="claude-haiku-4-5")
    told = run(create_deep_agent(model, subagents=[expert]), "Delegate it.")
    assert any("sunny in Oslo" in result for result in results(told))
    bodies: list[Any] = [request.body for request in sandbox.claude.requests]
    assert {body["model"] for body in bodies} == {sandbox.model, "claude-haiku-4-5"}


def test_a_thread_goes_on_and_is_cached(model: ChatPortkey) -> None:
    """Deep agents ask for Claude's prompt cache where the class is ChatAnthropic; ours does it for ChatPortkey."""
    agent = create_deep_agent(model, middleware=[PortkeyPromptCachingMiddleware()], checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    agent.invoke({"messages": [HumanMessage("My name is Ada.")]}, thread)
    last = agent.invoke({"messages": [HumanMessage("What is my name?")]}, thread)["messages"][-1]
    assert "Ada" in last.text
    assert last.usage_metadata["input_token_details"]["cache_read"] > 0


def test_it_ends_with_an_object(model: ChatPortkey, sandbox: Sandbox) -> None:
    as_tool = model.api_format == "chat_completions"
    sandbox.claude.reply_with(use("City", name="Kiel") if as_tool else '{"name": "Kiel"}')
    agent = create_deep_agent(model, response_format=City)
    assert agent.invoke({"messages": [HumanMessage("Which city?")]})["structured_response"] == City(name="Kiel")
