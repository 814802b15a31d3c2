"""Graphs with parallel branches and graphs inside, retries and threads: spans and calls still form one tree."""

from __future__ import annotations

import asyncio
import json
import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from portkey_langchain import ChatPortkey, PortkeyTracer
from tests.langchain.tracing import Sent
from tests.langchain.tracing_runs import one
from tests.support.receiver import node_of, roots_of
from tests.support.recording import RecordingServer, answer, deltas, events, whole

Walk = Callable[[Any, Any, Any], Any]


class Notes(TypedDict):
    """What the nodes write."""

    said: Annotated[list[str], operator.add]


@pytest.fixture
def local(server: RecordingServer) -> ChatPortkey:
    return ChatPortkey(
        model="claude-x", base_url=server.base_url, provider="anthropic", api_format="chat_completions", max_retries=0
    )


def invoke(graph: Any, given: Any, config: Any) -> Any:
    return graph.invoke(given, config)


def ainvoke(graph: Any, given: Any, config: Any) -> Any:
    return asyncio.run(graph.ainvoke(given, config))


def stream(graph: Any, given: Any, config: Any) -> Any:
    return list(graph.stream(given, config, stream_mode="messages", subgraphs=True))


def astream(graph: Any, given: Any, config: Any) -> Any:
    async def read() -> list[Any]:
        return [part async for part in graph.astream(given, config, stream_mode="messages", subgraphs=True)]

    return asyncio.run(read())


every_walk = pytest.mark.parametrize("walk", [invoke, ainvoke, stream, astream])


def asking(model: ChatPortkey, question: str) -> Any:
    """A node that asks, under its own name."""

    def ask(_: Notes) -> Notes:
        return {"said": [model.invoke(question).text]}

    async def aask(_: Notes) -> Notes:
        return {"said": [(await model.ainvoke(question)).text]}

    return RunnableLambda(ask, aask)


def inner_graph(model: ChatPortkey) -> Any:
    graph = StateGraph(Notes)
    graph.add_node("deep", asking(model, "deep"))
    graph.add_edge(START, "deep")
    return graph.compile(name="inner")


@every_walk
def test_parallel_branches_and_a_graph_inside(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent, walk: Walk
) -> None:
    server.reply(events(*deltas("Hel", "lo.")) if "stream" in walk.__name__ else whole(answer()))
    graph = StateGraph(Notes)
    graph.add_node("left", asking(local, "left"))
    graph.add_node("right", inner_graph(local))
    graph.add_node("last", asking(local, "last"))
    graph.add_edge(START, "left")
    graph.add_edge(START, "right")
    graph.add_edge(["left", "right"], "last")
    walk(graph.compile(name="outer"), {"said": []}, {"callbacks": [tracer], "metadata": {"team": "a"}})
    spans = sent()
    [root] = roots_of(spans, server.requests)
    assert root.span_id == one(spans, "outer").span_id
    asked = {request.json["messages"][0]["content"]: node_of(request) for request in server.requests}
    assert asked.keys() == {"left", "deep", "last"}
    names = {span.span_id: span.name for span in spans}
    parents = {span.span_id: span.parent_id for span in spans}

    def above(span_id: str | None) -> list[str]:
        return [] if span_id is None else [names[span_id], *above(parents[span_id])]

    assert above(asked["deep"].parent_id) == ["ask", "deep", "inner", "right", "outer"]
    assert above(asked["left"].parent_id) == ["ask", "left", "outer"]
    assert above(asked["last"].parent_id) == ["ask", "last", "outer"]
    for request in server.requests:
        assert json.loads(request.header("x-portkey-metadata"))["team"] == "a"


@every_walk
def test_a_fan_of_forty_tasks(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent, walk: Walk
) -> None:
    server.reply(events(*deltas("Hel", "lo.")) if "stream" in walk.__name__ else whole(answer()))

    def ask(state: dict[str, Any]) -> Notes:
        return {"said": [local.invoke(state["question"]).text]}

    async def aask(state: dict[str, Any]) -> Notes:
        return {"said": [(await local.ainvoke(state["question"])).text]}

    def fan(_: Notes) -> list[Send]:
        return [Send("ask", {"question": str(number)}) for number in range(40)]

    graph = StateGraph(Notes)
    node: Any = RunnableLambda(ask, aask)
    graph.add_node("ask", node)
    graph.add_conditional_edges(START, fan, ["ask"])
    graph.add_edge("ask", END)
    walk(graph.compile(name="fan"), {"said": []}, {"callbacks": [tracer]})
    spans = sent()
    assert len(server.requests) == 40
    assert len(roots_of(spans, server.requests)) == 1
    assert len({node_of(request).parent_id for request in server.requests}) == 40


def test_each_try_is_a_call_of_its_own(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent
) -> None:
    server.reply(whole(b"{}", status=500), whole(b"{}", status=500), whole(answer()))
    patient = local.with_retry(stop_after_attempt=3, wait_exponential_jitter=False)
    chain = RunnableLambda(str) | patient
    assert chain.invoke("Hi", {"callbacks": [tracer]}).text == "Hello."
    assert len(server.requests) == 3
    assert len(roots_of(sent(), server.requests)) == 1


def test_a_batch_in_threads_inside_a_step(
    server: RecordingServer, local: ChatPortkey, tracer: PortkeyTracer, sent: Sent
) -> None:
    step: Any = RunnableLambda(lambda text: [message.text for message in local.batch([text] * 8)])
    assert step.invoke("Hi", {"callbacks": [tracer], "max_concurrency": 4}) == ["Hello."] * 8
    spans = sent()
    [root] = roots_of(spans, server.requests)
    assert {node_of(request).parent_id for request in server.requests} == {root.span_id}
    assert len(server.requests) == 8
