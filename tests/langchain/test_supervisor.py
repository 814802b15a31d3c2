"""LangGraph's supervisor over agents of ChatPortkey: who is in charge hands over, and takes back."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph_supervisor import create_supervisor

from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.graphs import Run, ainvoke, amessages, get_weather, invoke, messages, now

# The supervisor itself is built with what LangGraph has moved since.
pytestmark = pytest.mark.filterwarnings("ignore:create_react_agent has been moved")

any_run = pytest.mark.parametrize("run", [invoke, ainvoke, messages, amessages])
ASK = {"type": "tool_use", "name": "get_weather", "input": {"city": "Paris"}}
HAND_OVER = {"type": "tool_use", "name": "transfer_to_weather_expert", "input": {}}


def supervised(model: ChatPortkey, **options: Any) -> Any:
    weather: Any = create_agent(model, [get_weather], name="weather_expert")
    clock: Any = create_agent(model, [now], name="clock_expert")
    return create_supervisor([weather, clock], model=model, prompt="Hand over to an expert.", **options)


@any_run
@pytest.mark.parametrize("output_mode", ["full_history", "last_message"])
def test_an_expert_answers(model: ChatPortkey, sandbox: Sandbox, run: Run, output_mode: str) -> None:
    sandbox.claude.reply_with(HAND_OVER)
    sandbox.claude.reply_with(ASK)
    told = run(supervised(model, output_mode=output_mode).compile(), "What is the weather in Paris?")
    by_expert = [message for message in told if isinstance(message, AIMessage) and message.name == "weather_expert"]
    assert any("sunny in Paris" in message.text for message in by_expert)
    assert [request.status for request in sandbox.claude.requests] == [200] * len(sandbox.claude.requests)
    assert len(sandbox.claude.requests) >= 4


def test_a_supervised_thread_goes_on(model: ChatPortkey, sandbox: Sandbox) -> None:
    graph = supervised(model, output_mode="full_history").compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    sandbox.claude.reply_with(HAND_OVER)
    sandbox.claude.reply_with(ASK)
    graph.invoke({"messages": [("user", "What is the weather in Paris?")]}, thread)
    told = graph.invoke({"messages": [("user", "Say exactly: a")]}, thread)["messages"]
    assert told[-1].text == "a"
