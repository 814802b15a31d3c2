"""What a viewer shows of LangChain and LangGraph: what a person would name, and with ``detail="all"`` everything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough
from langgraph.graph import START, MessagesState, StateGraph

from portkey_gateway.sandbox import CallLog, Fault, Sandbox, SpanReceiver, draw_trace
from portkey_langchain import ChatPortkey, PortkeyTracer
from tests.langchain.graphs import get_weather
from tests.support.viewer import (
    calls_in,
    draw_with_calls,
    headers,
    log,
    places_of,
    places_told,
    receiver,
    shape_of,
)

__all__ = ["headers", "log", "receiver"]

QUESTION = "What is the weather in Paris?"


def unnamed(function: Callable[[Any], Any]) -> Any:
    return RunnableLambda(function)


def briefing(model: ChatPortkey) -> Any:
    """Two branches at the same time: an agent with a tool, and a model that fails with another to fall back on."""
    agent: Any = create_agent(model, [get_weather], name="clerk")
    prompt = ChatPromptTemplate.from_messages([("user", "{question}")])
    failing: Any = unnamed(lambda prompt: [*prompt.to_messages(), ("user", "RISKY")]) | model
    fallback = (prompt | failing).with_fallbacks([prompt | model]) | StrOutputParser()
    asked: Any = RunnableLambda(lambda question: {"messages": [("user", question)]})
    research: Any = (RunnableLambda(lambda question: {"question": question}) | fallback).with_config(
        run_name="research"
    )
    return (RunnablePassthrough() | RunnableParallel(weather=asked | agent, facts=research)).with_config(
        run_name="briefing"
    )


TREE = """\
briefing
├─ invoke_agent clerk
│  ├─ chat MODEL
│  ├─ execute_tool get_weather
│  └─ chat MODEL
└─ research
   ├─ chat MODEL  [portkey_gateway.errors.OverloadedError]
   └─ chat MODEL"""


@pytest.fixture
def model(sandbox: Sandbox, api_format: str) -> ChatPortkey:
    options: dict[str, Any] = {**sandbox.options(), "api_format": api_format}
    return ChatPortkey(model=sandbox.model, max_retries=0, **options)


@pytest.fixture
def tracer(receiver: SpanReceiver) -> Iterator[PortkeyTracer]:
    with closing(PortkeyTracer(endpoint=receiver.endpoint)) as tracing:
        yield tracing
        tracing.flush()
        assert (tracing.lost, len(tracing._tracing.open), len(tracing._tracing.folded)) == (0, 0, 0)


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
def test_an_agent_beside_a_fallback(
    *, sandbox: Sandbox, model: ChatPortkey, tracer: PortkeyTracer, receiver: SpanReceiver, log: CallLog, way: str
) -> None:
    sandbox.claude.inject(Fault("status", status=529, match="RISKY"))
    chain = briefing(model)
    config: Any = {"callbacks": [tracer]}

    async def arun() -> None:
        if way == "ainvoke":
            await chain.ainvoke(QUESTION, config)
        else:
            assert [each async for each in chain.astream(QUESTION, config)]

    if way.startswith("a"):
        asyncio.run(arun())
    else:
        assert chain.invoke(QUESTION, config) if way == "invoke" else list(chain.stream(QUESTION, config))
    tracer.flush()
    spans = receiver.spans
    assert shape_of(draw_trace(spans)) == shape_of(TREE.replace("MODEL", model.model))
    seen, told = draw_with_calls(spans, log)
    assert seen == told
    assert places_of(calls_in(spans)) == places_told(log)
    assert len(log.calls) == 4


def test_errors_that_a_fallback_caught_are_not_lost(tracer: PortkeyTracer, receiver: SpanReceiver) -> None:
    def fail(_: str) -> str:
        raise ValueError("no such city")

    inner: Any = unnamed(lambda text: fail(text + "!")) | StrOutputParser()
    chain = (inner.with_fallbacks([RunnableLambda(str)]) | RunnableLambda(str)).with_config(run_name="guide")
    assert chain.invoke("Atlantis", {"callbacks": [tracer]}) == "Atlantis"
    tracer.flush()
    root = next(span for span in receiver.spans if span.name == "guide")
    assert (root.is_error, root.exception) == (False, {})
    [told] = root.inner_exceptions
    assert (told["portkey.step"], told["exception.message"]) == ("RunnableLambda", "no such city")


def test_everything_is_shown_where_it_is_asked_for(
    model: ChatPortkey, tracer: PortkeyTracer, receiver: SpanReceiver, log: CallLog
) -> None:
    with SpanReceiver() as other, closing(PortkeyTracer(endpoint=other.endpoint, detail="all")) as everything:
        agent: Any = create_agent(model, [get_weather], name="clerk")
        chain = RunnableLambda(lambda text: {"messages": [("user", text)]}) | agent
        chain.invoke(QUESTION, {"callbacks": [tracer, everything]})
        everything.flush()
        tracer.flush()
        assert (
            draw_trace(other.spans)
            == """\
RunnableSequence
├─ RunnableLambda
└─ invoke_agent clerk
   ├─ model
   │  └─ chat MODEL
   ├─ tools
   │  └─ execute_tool get_weather
   └─ model
      └─ chat MODEL""".replace("MODEL", model.model)
        )
        assert (
            draw_trace(receiver.spans)
            == """\
RunnableSequence
└─ invoke_agent clerk
   ├─ chat MODEL
   ├─ execute_tool get_weather
   └─ chat MODEL""".replace("MODEL", model.model)
        )
        ids = [{span.span_id for span in calls_in(spans)} for spans in (receiver.spans, other.spans)]
        assert ids[0] == ids[1] == {call.span_id for call in log.calls}
    wrong: Any = "some"
    with pytest.raises(ValueError, match="'named' or 'all'"):
        PortkeyTracer(endpoint="http://127.0.0.1:9/v1/traces", detail=wrong)


def test_a_graph_keeps_its_nodes_and_what_its_user_named(
    model: ChatPortkey, tracer: PortkeyTracer, receiver: SpanReceiver
) -> None:
    def route(state: MessagesState) -> str:
        return "ask" if len(state["messages"]) == 1 else "__end__"

    ask: Any = unnamed(lambda state: state["messages"]) | model | unnamed(lambda said: {"messages": [said]})
    inner: Any = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask").compile()
    graph: Any = StateGraph(MessagesState).add_node("research", inner).add_edge(START, "research")
    graph = graph.add_conditional_edges("research", route, ["research", "__end__"]).compile(name="desk")
    graph.invoke({"messages": [("user", "Hi")]}, {"callbacks": [tracer]})
    tracer.flush()
    assert (
        draw_trace(receiver.spans)
        == """\
desk
└─ research
   ├─ ask
   │  └─ chat MODEL
   └─ route""".replace("MODEL", model.model)
    )


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("labels", [{"metadata": {"session_id": "s-1"}}, {"configurable": {"thread_id": "s-1"}}])
def test_a_conversation_is_a_session(
    model: ChatPortkey, tracer: PortkeyTracer, receiver: SpanReceiver, headers: list[Any], labels: Any
) -> None:
    """Of a graph and of a chain, in its spans and in the calls' labels at the gateway."""
    chain = (RunnableLambda(lambda text: text) | model).with_config(run_name="chat")
    agent: Any = create_agent(model, [], name="clerk")
    for runnable, given in ((chain, "Hi"), (agent, {"messages": [("user", "Hi")]})):
        config: Any = {"callbacks": [tracer], **labels}
        runnable.invoke(given, config)
    tracer.flush()
    calls = calls_in(receiver.spans)
    assert [call.attributes["gen_ai.conversation.id"] for call in calls] == ["s-1", "s-1"]
    assert [call.attributes["session.id"] for call in calls] == ["s-1", "s-1"]
    assert [json.loads(each["x-portkey-metadata"])["session_id"] for each in headers] == ["s-1", "s-1"]
