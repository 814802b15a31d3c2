"""A trace is drawn whole, whatever arrived of it."""

from __future__ import annotations

from typing import Any

import httpx
from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda

from portkey_gateway.sandbox import CallLog, Sandbox, SpanReceiver, draw_trace
from portkey_gateway.sandbox.span_receiver import ReceivedSpan
from portkey_gateway.sandbox.trace_tree import TraceNode
from portkey_langchain import ChatPortkey, PortkeyTracer


def span(name: str, parent: str | None = None, *, at: int = 0, trace: str = "t", **attributes: Any) -> ReceivedSpan:
    is_error = "error.type" in attributes
    return ReceivedSpan(name, trace, name, parent, 1, at, at, attributes, is_error=is_error, exception={})


def call(name: str, parent: str | None, *, at: int = 0) -> TraceNode:
    return TraceNode("t", name, parent, name, at)


def test_children_stand_below_their_parents_in_the_order_of_time() -> None:
    spans = [span("tool", "agent", at=3), span("agent", "chain", at=1), span("prompt", "chain", at=2), span("chain")]
    assert draw_trace(spans, [call("second", "agent", at=4), call("first", "agent", at=2)]).split("\n") == [
        "chain",
        "├─ agent",
        "│  ├─ first",
        "│  ├─ tool",
        "│  └─ second",
        "└─ prompt",
    ]


def test_how_a_span_ended_is_said() -> None:
    spans = [
        span("chain", at=1, **{"error.type": "ValueError"}),
        span("left", at=2, **{"portkey.outcome": "cancelled"}),
    ]
    assert draw_trace(spans) == "chain  [ValueError]\nleft  [cancelled]"


def test_a_call_that_was_tried_again_stands_once() -> None:
    assert draw_trace([], [call("a", None), call("a", None)]) == "a  [2 tries]"


def test_nothing_vanishes() -> None:
    """Neither what misses its parent, nor a circle, nor the same id in another trace."""
    circle = [span("a", "b"), span("b", "a")]
    other = span("chain", "elsewhere", trace="u", at=1)
    drawn = draw_trace([*circle, span("orphan", "gone"), span("chain"), other]).split("\n")
    assert drawn[:3] == [
        "orphan  [its parent did not arrive]",
        "chain",
        "chain  [its parent did not arrive]",
    ]
    assert len(drawn) == 5
    assert {line.strip("└─ ").partition("  [")[0] for line in drawn[3:]} == {"a", "b"}


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw_trace([]) == ""


async def test_an_agent_through_the_real_gateway(sandbox: Sandbox) -> None:
    log = CallLog()
    with (
        SpanReceiver() as receiver,
        httpx.Client(event_hooks={"request": [log.note]}) as client,
    ):
        async with httpx.AsyncClient(event_hooks={"request": [log.anote]}) as async_client:
            model = ChatPortkey(
                model=sandbox.model, http_client=client, http_async_client=async_client, **sandbox.options()
            )

            def get_weather(city: str) -> str:
                """Get the weather in a city."""
                return f"Sunny in {city}."

            tracer = PortkeyTracer(endpoint=receiver.endpoint)
            agent: Any = create_agent(model, [get_weather], name="clerk")
            chain: Any = RunnableLambda(lambda city: {"messages": [("human", f"What is the weather in {city}?")]})
            config: Any = {"callbacks": [tracer], "run_name": "umbrella", "metadata": {"trace_id": "order 7"}}
            await (chain | agent).ainvoke("Paris", config)
            (chain | agent).invoke("Oslo", {**config, "metadata": {}})
            tracer.close()
        tree = [
            "umbrella",
            "├─ RunnableLambda",
            "└─ invoke_agent clerk",
            "   ├─ model",
            "   │  └─ ChatPortkey  [through the gateway]",
            "   ├─ tools",
            "   │  └─ execute_tool get_weather",
            "   └─ model",
            "      └─ ChatPortkey  [through the gateway]",
        ]
        assert draw_trace(receiver.spans, log.calls).split("\n") == tree * 2
