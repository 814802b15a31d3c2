"""Two agents over the same tools, LangChain's own and one written by hand, and every way to run them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from portkey_langchain import ChatPortkey
from tests.langchain.ask import total

Run = Callable[[Any, str], list[AnyMessage]]
"""Runs a graph on a question and returns what it said, every answer put together of what was streamed."""


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"sunny in {city}"


@tool
def now() -> str:
    """Tell the current time."""
    return "noon"


TOOLS = [get_weather, now]


def agent(model: ChatPortkey) -> Any:
    return create_agent(model, TOOLS)


def graph(model: ChatPortkey) -> Any:
    bound = model.bind_tools(TOOLS)

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [bound.invoke(state["messages"])]}

    async def ask_async(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await bound.ainvoke(state["messages"])]}

    return _graph(ask, ask_async)


def streaming_graph(model: ChatPortkey) -> Any:
    """Its model node streams by itself, and puts the sum of the chunks into the state."""
    bound = model.bind_tools(TOOLS)

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [total([_chunk(each) for each in bound.stream(state["messages"])])]}

    async def ask_async(state: MessagesState) -> dict[str, Any]:
        return {"messages": [total([_chunk(each) async for each in bound.astream(state["messages"])])]}

    return _graph(ask, ask_async)


def _chunk(message: AIMessage) -> AIMessageChunk:
    assert isinstance(message, AIMessageChunk)
    return message


def _graph(ask: Any, ask_async: Any) -> Any:
    built = StateGraph(MessagesState)
    built.add_node("model", RunnableLambda(ask, ask_async))
    built.add_node("tools", ToolNode(TOOLS))
    built.add_edge(START, "model")
    built.add_conditional_edges("model", tools_condition)
    built.add_edge("tools", "model")
    return built.compile()


def _question(text: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def invoke(graph: Any, question: str) -> list[AnyMessage]:
    messages: list[AnyMessage] = graph.invoke(_question(question))["messages"]
    return messages


def ainvoke(graph: Any, question: str) -> list[AnyMessage]:
    messages: list[AnyMessage] = asyncio.run(graph.ainvoke(_question(question)))["messages"]
    return messages


def messages(graph: Any, question: str) -> list[AnyMessage]:
    """``stream_mode="messages"``: chunks, told apart by their ids, and the tools' messages."""
    return _joined([message for message, _ in graph.stream(_question(question), stream_mode="messages")])


def amessages(graph: Any, question: str) -> list[AnyMessage]:
    async def collect() -> list[Any]:
        return [message async for message, _ in graph.astream(_question(question), stream_mode="messages")]

    return _joined(asyncio.run(collect()))


def updates(graph: Any, question: str) -> list[AnyMessage]:
    return _updated(list(graph.stream(_question(question), stream_mode="updates")))


def aupdates(graph: Any, question: str) -> list[AnyMessage]:
    async def collect() -> list[Any]:
        return [update async for update in graph.astream(_question(question), stream_mode="updates")]

    return _updated(asyncio.run(collect()))


def aevents(graph: Any, question: str) -> list[AnyMessage]:
    """``astream_events`` v2: the chunks of its chat models, and the outputs of its tools."""

    async def collect() -> list[Any]:
        return [event async for event in graph.astream_events(_question(question), version="v2")]

    told: list[Any] = []
    for event in asyncio.run(collect()):
        if event["event"] == "on_chat_model_stream":
            told.append(event["data"]["chunk"])
        elif event["event"] == "on_tool_end":
            told.append(event["data"]["output"])
    return _joined(told)


def events(graph: Any, question: str) -> list[AnyMessage]:
    """``stream_events`` v3: typed events, from which LangGraph puts the messages together."""
    output: list[AnyMessage] = graph.stream_events(_question(question), version="v3").output["messages"]
    return output


def aprotocol(graph: Any, question: str) -> list[AnyMessage]:
    """``astream_events`` v3."""

    async def collect() -> Any:
        return await (await graph.astream_events(_question(question), version="v3")).output()

    output: list[AnyMessage] = asyncio.run(collect())["messages"]
    return output


def _updated(told: list[dict[str, Any]]) -> list[AnyMessage]:
    return [message for update in told for state in update.values() for message in state["messages"]]


def _joined(told: list[Any]) -> list[AnyMessage]:
    """The chunks of each message put together; messages that come whole as they are."""
    by_id: dict[Any, list[Any]] = {}
    for message in told:
        by_id.setdefault(message.id or id(message), []).append(message)
    return [total(parts) if isinstance(parts[0], AIMessageChunk) else parts[0] for parts in by_id.values()]


any_graph = pytest.mark.parametrize("build", [agent, graph, streaming_graph])
any_run = pytest.mark.parametrize(
    "run", [invoke, ainvoke, messages, amessages, updates, aupdates, aevents, events, aprotocol]
)
